// A copy of the product to torture: compiled from its sources, with delays at every step, and with a fault if one is wanted.
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { holdAwaits, holdWorkerSteps, PRELOAD, type Delays } from "./instrument.js";

/** One change of a source text that takes a safeguard out. */
export interface Edit {
  /** Below `src/`. */
  file: string;
  /** Must stand in the file exactly once: else the source has changed, and the mutant with it must be thought over. */
  find: string;
  replace: string;
}

export interface Product {
  folder: string;
  /** What Node is told in order to run the copy. */
  args: string[];
  workerScript: string;
  removerScript: string;
}

interface Making {
  delays: Delays;
  options: ts.CompilerOptions;
}

const ROOT = path.resolve(import.meta.dirname, "../..");
const HELD = /^(jobs|handlers|database)\//;

/** Makes the copy in `folder`, which must not exist. @throws Error if an edit does not fit the sources any more */
export function buildProduct(folder: string, delays: Delays, edits: Edit[] = []): Product {
  mkdirSync(folder);
  symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(path.join(folder, "preload.mjs"), PRELOAD);
  cpSync(path.join(ROOT, "src"), path.join(folder, "src"), {
    recursive: true,
    filter: (source) => !source.endsWith(".ts"),
  });
  const files = readdirSync(path.join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  const left = new Set(edits);
  const options = compilerOptions();
  for (const file of files.filter((name) => /\.(ts|sh)$/.test(name))) {
    let text = readFileSync(path.join(ROOT, "src", file), "utf8");
    for (const edit of edits.filter((candidate) => candidate.file === file)) {
      text = apply(edit, text);
      left.delete(edit);
    }
    writeFileSync(path.join(folder, "src", file.replace(/\.ts$/, ".js")), finish(file, text, { delays, options }));
  }
  for (const { file } of left) throw new Error(`There is no src/${file} for a mutant to change: adapt mutants.ts.`);
  return {
    folder,
    args: ["--import", path.join(folder, "preload.mjs"), path.join(folder, "src/main.js")],
    workerScript: path.join(folder, "src/handlers/process/worker.sh"),
    removerScript: path.join(folder, "src/handlers/process/remover.sh"),
  };
}

function apply({ file, find, replace }: Edit, text: string): string {
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new Error(`src/${file} has ${parts.length - 1} times, not once: ${JSON.stringify(find)}. Adapt mutants.ts.`);
}

function finish(file: string, text: string, { delays, options }: Making): string {
  if (file.endsWith("/worker.sh")) return holdWorkerSteps(text, delays);
  if (file.endsWith(".sh")) return text;
  const { outputText } = ts.transpileModule(text, { compilerOptions: options, fileName: file });
  if (!HELD.test(file)) return outputText;
  return holdAwaits(outputText, file.startsWith("database/") ? delays.database : delays.jobs);
}

function compilerOptions(): ts.CompilerOptions {
  const file = path.join(ROOT, "tsconfig.json");
  const { config } = ts.readConfigFile(file, (name) => readFileSync(name, "utf8")) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  // NodeNext would look for a package.json beside each single text that it is given.
  return {
    ...options,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    sourceMap: false,
  };
}
