// What is cleared away of service processes that are gone, and what of those that live is left alone.
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ArtifactStore } from "../../../src/handlers/artifact-store/artifact-store.js";
import { newMakerMark } from "../../../src/handlers/process/maker-mark.js";
import { zipOf } from "../../support/zips.js";
import { NOW, openStore } from "./open-store.js";

const HELLO = { "script.sh": "echo hello\n" };
const KEY = "20260101-000000-0123abcd";
const LIVING = newMakerMark();
/** Of a process with our number that started long before us. */
const GONE = LIVING.replace(/-\d+-/, "-1-");

/** Runs one of the programs beside this test, and gives what it prints. */
async function run(program: string, ...args: string[]): Promise<string> {
  const loader = new URL("../../../tools/typescript.mjs", import.meta.url).href;
  const path = fileURLToPath(new URL(program, import.meta.url));
  return (await promisify(execFile)(process.execPath, ["--import", loader, path, ...args])).stdout;
}

describe("the staging folder", () => {
  it("loses what was made by the dead or by nobody, files and folders, and keeps what the living are at", async () => {
    const { store, folder } = await openStore();
    const staging = join(folder, ".staging");
    const left = [`upload-${GONE}-1`, `published-${GONE}-${KEY}`, "put-x7fGh2", `removed-${KEY}`];
    const kept = [`published-${LIVING}-${KEY}`, `upload-${LIVING}-1`];
    for (const name of [...left, ...kept]) await writeFile(join(staging, name), "half");
    for (const mark of [GONE, LIVING]) {
      await mkdir(join(staging, `staged-${mark}-2/files`), { recursive: true });
      await writeFile(join(staging, `staged-${mark}-2/files/script.sh`), "half");
    }
    await store.sweepStaging();
    expect((await readdir(staging)).sort()).toEqual([...kept, `staged-${LIVING}-2`].sort());
  });

  it("is swept beside an upload that goes on", async () => {
    const { store, folder, stage, receive } = await openStore();
    const received = await receive(await zipOf(HELLO));
    const staged = await stage(await zipOf(HELLO));
    const another = new ArtifactStore({ folder, clock: { now: () => NOW } });
    expect(await another.sweepStaging()).toEqual([]);
    await staged.publish();
    expect((await store.stage(received)).facts).not.toBeNull();
  });
});

describe("the keys it gives", () => {
  it("are those that nobody is at work on: settled ones", async () => {
    const { store, stage, upload } = await openStore();
    const { key } = await upload(await zipOf(HELLO));
    const late = await (await stage(await zipOf(HELLO))).publish();
    expect(await store.sweepStaging()).toEqual([key]);
    await store.settle(late.key);
    expect(await store.sweepStaging()).toEqual([key, late.key].sort());
  });

  it("are those of the dead as well: their rows are there or never will be", async () => {
    const { store, folder, receive } = await openStore();
    const upload = JSON.stringify(await receive(await zipOf(HELLO)));
    const { key } = JSON.parse(await run("put-once.ts", folder, upload)) as { key: string };
    const marks = async () => (await readdir(join(folder, ".staging"))).filter((name) => name.startsWith("published-"));
    expect(await marks()).toHaveLength(1);
    expect(await store.sweepStaging()).toEqual([key]);
    expect(await marks()).toEqual([]);
    expect(await readFile(store.zipFile(key))).toHaveLength((await zipOf(HELLO)).length);
  });

  it("all have their rows by then, however many another process publishes meanwhile", async () => {
    const { store, folder, receive } = await openStore();
    const { path } = await receive(await zipOf(HELLO));
    const [zip, rows] = [join(folder, "some.zip"), join(folder, "rows")];
    await rename(path, zip);
    await writeFile(rows, "");
    const state = { done: false };
    const publishing = run("publish-many.ts", folder, zip, rows, "40").finally(() => (state.done = true));
    let seen = 0;
    while (!state.done) {
      const keys = await store.sweepStaging();
      const committed = await readFile(rows, "utf8");
      expect(keys.filter((key) => !committed.includes(key))).toEqual([]);
      seen = Math.max(seen, keys.length);
    }
    await publishing;
    expect(seen).toBeGreaterThan(1);
    expect(await store.sweepStaging()).toHaveLength(40);
    expect(await readdir(join(folder, ".staging"))).toEqual([]);
  });

  it("no longer are those that were removed, settled or not", async () => {
    const { store, folder, stage } = await openStore();
    const { key } = await (await stage(await zipOf(HELLO))).publish();
    await store.remove(key);
    expect(await store.sweepStaging()).toEqual([]);
    expect(await readdir(join(folder, ".staging"))).toEqual([]);
  });
});
