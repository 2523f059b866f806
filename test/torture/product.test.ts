// The copies that are tortured: every mutant still fits the sources, and what is held up is still the same program.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { holdAwaits } from "./instrument.js";
import { MUTANTS } from "./mutants.js";
import { buildProduct, type Edit } from "./product.js";
import { DELAYS } from "./torture.js";

async function build(edits: Edit[]) {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-product-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return buildProduct(path.join(folder, "product"), DELAYS, edits);
}

it.each(MUTANTS)("the mutant $name fits the sources", async ({ edits }) => {
  await expect(build(edits)).resolves.toBeDefined();
});

it("a mutant that fits nowhere is refused, not tortured as if it were one", async () => {
  const edit = { file: "jobs/queue.ts", find: "no such text", replace: "" };
  await expect(build([edit])).rejects.toThrow(/src\/jobs\/queue\.ts has 0 times/);
  await expect(build([{ ...edit, file: "jobs/none.ts" }])).rejects.toThrow(/There is no src\/jobs\/none\.ts/);
});

it("the copy's worker is a bash script, and the copy's queue a module, with a pause at each step", async () => {
  const { folder, workerScript } = await build([]);
  execFileSync("bash", ["-n", workerScript]);
  expect(readFileSync(workerScript, "utf8")).toMatch(/ {2}pause_ 50 2500\n {2}claim "\$1"/);
  const queue = path.join(folder, "src/jobs/queue.js");
  execFileSync(process.execPath, ["--check", queue]);
  const text = readFileSync(queue, "utf8");
  const awaits = text.match(/\bawait /g)?.length ?? 0;
  expect(awaits).toBeGreaterThan(10);
  expect(text.match(/\bawait globalThis\.__held\(/g)).toHaveLength(awaits);
});

it("an await is held up where it stands, with all that is awaited in it", () => {
  const held = holdAwaits("const f = async () => g(await a(await b), c);", { probability: 0.5, maxMs: 7 });
  expect(held).toBe(
    "const f = async () => g(await globalThis.__held(a(await globalThis.__held(b, 0.5, 7)), 0.5, 7), c);",
  );
});
