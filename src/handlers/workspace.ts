// What a run finds on disk: its private copy of the files, its inputs, its payload; and what it leaves behind there.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
} from "node:fs";
import { copyFile, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ExecutionInput, Progress } from "../models/execution.js";
import { isMakerGone, newMakerMark } from "./process/maker-mark.js";
import { Remover } from "./process/remover.js";
import { copySmallTree, smallTree, type SmallTree } from "./small-tree.js";

/** Where a run's files are; all absolute. The run folder also holds the worker's `req` and `status`. */
export interface RunPaths {
  runFolder: string;
  work: string;
  inputs: string;
  payload: string;
  progress: string;
  result: string;
}

export interface Workspace {
  /** The unpacked files of the artifact version to run. */
  filesFolder: string;
  /** JSON text for the payload file; null: no such file. */
  payload: string | null;
  /** The predecessors' outputs: they appear in the inputs folder by batch name; null: an empty one. */
  inputs: { name: string; file: string | null }[];
}

/** Of what a script writes beside its output, so much is read. */
const MAX_REPORT_BYTES = 64 * 1024;
const MAX_TREES = 10_000;

const MAX_FILE_NAME_BYTES = 255;

/** The name of a predecessor's output in the inputs folder: its batch's name, unless no file may have so long a one. */
export function inputNameOf({ batchName, executionId }: ExecutionInput): string {
  return Buffer.byteLength(batchName) <= MAX_FILE_NAME_BYTES ? batchName : `execution ${executionId}`;
}

/** Run folders are named `<execution>-<attempt>`. */
export function runIdOf(executionId: number, attempt: number): string {
  return `${executionId}-${attempt}`;
}

export class Workspaces {
  readonly runsFolder: string;
  private readonly statesFolder: string;
  private readonly remover: Remover;
  private readonly states = new Set<number>();
  /** Marks our drafts: no two processes that live have the same. */
  private readonly maker = newMakerMark();
  private drafts = 0;
  /** What is in the folders of artifacts, which never change; null: not small. */
  private readonly trees = new Map<string, SmallTree | null>();

  constructor({ dataFolder }: { dataFolder: string }) {
    this.runsFolder = path.join(dataFolder, "runs");
    this.statesFolder = path.join(dataFolder, "state");
    this.remover = new Remover(this.runsFolder);
  }

  async prepare(): Promise<void> {
    await mkdir(this.runsFolder, { recursive: true, mode: 0o750 });
    await mkdir(this.statesFolder, { recursive: true, mode: 0o750 });
    this.remover.start();
  }

  pathsOf(runId: string): RunPaths {
    const runFolder = path.join(this.runsFolder, runId);
    const inside = (name: string) => path.join(runFolder, name);
    return {
      runFolder,
      work: inside("work"),
      inputs: inside("inputs"),
      payload: inside("payload.json"),
      progress: inside("progress"),
      result: inside("result"),
    };
  }

  /**
   * Lays out a run folder with a private copy of the artifact's files: later runs never see what this one does to them.
   * It appears whole, in one step, or not at all. If it is there already, because another service process began with the
   * same run, that one stays: with it stays the fence that tells whether the run was started.
   *
   * @param seal writes what else must be in the folder before it appears; gets the folder it is made in
   */
  async create(runId: string, workspace: Workspace, seal: (draft: string) => void = () => undefined): Promise<void> {
    const draft = `draft-${this.maker}-${++this.drafts}`;
    try {
      await this.layOut(this.pathsOf(draft), workspace);
      seal(this.pathsOf(draft).runFolder);
      renameSync(this.pathsOf(draft).runFolder, this.pathsOf(runId).runFolder);
    } catch (error) {
      this.remove(draft);
      if (!["EEXIST", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }

  private async layOut(paths: RunPaths, { filesFolder, payload, inputs }: Workspace): Promise<void> {
    mkdirSync(paths.runFolder, { mode: 0o750 });
    const tree = this.treeOf(filesFolder);
    if (tree) copySmallTree(tree, filesFolder, paths.work);
    else await copyTree(filesFolder, paths.work);
    if (payload !== null) await writeFile(paths.payload, payload);
    if (inputs.length > 0) await mkdir(paths.inputs);
    for (const { name, file } of inputs) {
      const target = path.join(paths.inputs, name);
      await (file === null ? writeFile(target, "") : symlink(file, target));
    }
  }

  /** The folder that a batch keeps between its runs; made on first use. */
  async stateFolder(batchId: number): Promise<string> {
    const folder = path.join(this.statesFolder, String(batchId));
    if (!this.states.has(batchId)) await mkdir(folder, { recursive: true, mode: 0o750 });
    this.states.add(batchId);
    return folder;
  }

  async removeState(batchId: number): Promise<void> {
    this.states.delete(batchId);
    await rm(path.join(this.statesFolder, String(batchId)), { recursive: true, force: true });
  }

  /** The last whole line of the progress file, `40 loading` or `3/8 text`; null if the script wrote none. */
  progress(runId: string): Progress | null {
    return parseProgress(readEnd(this.pathsOf(runId).progress));
  }

  /** When the progress file was last changed, in ms; null if there is none: a cheaper question than what is in it. */
  progressChangedAt(runId: string): number | null {
    return lstatSync(this.pathsOf(runId).progress, { throwIfNoEntry: false })?.ctimeMs ?? null;
  }

  /** The `name=value` lines of the result file; null if the script wrote none. Of a name given twice the last counts. */
  results(runId: string): Record<string, string> | null {
    const lines = readEnd(this.pathsOf(runId).result).split("\n");
    const pairs = lines.flatMap((line) => {
      const match = /^([A-Za-z_][A-Za-z0-9_]{0,63})=(.*)$/.exec(line.replace(/\r$/, ""));
      return match ? [[match[1], match[2]] as const] : [];
    });
    return pairs.length > 0 ? (Object.fromEntries(pairs) as Record<string, string>) : null;
  }

  /** Every run folder there is, by run id. */
  async list(): Promise<string[]> {
    return (await readdir(this.runsFolder)).filter((name) => /^\d+-\d+$/.test(name));
  }

  /** Removes what service processes that are gone had begun to lay out. */
  async removeDrafts(): Promise<void> {
    for (const name of await readdir(this.runsFolder)) {
      if (name.startsWith("draft-") && isMakerGone(name)) this.remove(name);
    }
  }

  /** Has a run folder removed, soon. */
  remove(runId: string): void {
    this.remover.remove(runId);
  }

  /** Waits until everything that was to be removed is gone. */
  async close(): Promise<void> {
    await this.remover.stop();
  }

  private treeOf(filesFolder: string): SmallTree | null {
    const known = this.trees.get(filesFolder);
    if (known !== undefined) return known;
    if (this.trees.size >= MAX_TREES) this.trees.clear();
    const tree = smallTree(filesFolder);
    this.trees.set(filesFolder, tree);
    return tree;
  }
}

/** Copies a folder of files and folders (artifacts hold nothing else), sharing blocks where the file system can. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o750 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    else await copyFile(source, target, constants.COPYFILE_FICLONE);
  }
}

/** The end of a file that a script may have written, at most 64 KiB of it; empty if there is none. */
function readEnd(file: string): string {
  // Most scripts write none, and an exception costs ten times as much as this question.
  if (!existsSync(file)) return "";
  try {
    // Not following links, not waiting for a pipe's other end: the script may have put either there.
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = fstatSync(descriptor);
      if (!found.isFile()) return "";
      const length = Math.min(found.size, MAX_REPORT_BYTES);
      const buffer = Buffer.alloc(length);
      return buffer.toString("utf8", 0, readSync(descriptor, buffer, 0, length, found.size - length));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return "";
  }
}

/** Reads `40 loading`, `40% loading` or `3/8 loading`; any other line is text without a percentage. */
export function parseProgress(text: string): Progress | null {
  const line = text.trimEnd().split("\n").at(-1)?.trim() ?? "";
  if (line === "") return null;
  const match = /^(\d+(?:\.\d+)?)(?:\s*%|\/(\d+(?:\.\d+)?))?(?:\s+(.*))?$/.exec(line);
  if (!match) return { percent: null, text: line.slice(0, 500) };
  const total = match[2] === undefined ? 100 : Number(match[2]);
  const percent = total > 0 ? Math.min(100, (Number(match[1]) / total) * 100) : null;
  return { percent: percent === null ? null : Math.round(percent * 10) / 10, text: (match[3] ?? "").slice(0, 500) };
}
