// A log that many read while it is written: one file handle and one watch for all, each byte once for each.
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { Bell } from "../../src/handlers/bell.js";
import { LogStore, type LogRef } from "../../src/handlers/log-store.js";
import { openFilesIn, watchCount } from "../support/process-traces.js";
import { PATIENCE } from "../support/patience.js";

const READERS = 200;
const ref: LogRef = { executionId: 42, attempt: 1, stream: "log" };
let folder: string;
let store: LogStore;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "live-log-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  store = new LogStore({ folder });
  await store.ensureFile(ref);
});

async function join() {
  const [bell, gone] = [new Bell(), new AbortController()];
  const log = await store.live(ref, bell.ring, gone.signal);
  let [offset, text] = [0, ""];
  const until = async (length: number) => {
    while (text.length < length) {
      const chunk = await log!.chunkAt(offset, false);
      if (!chunk) {
        await bell.rung(PATIENCE.timeout);
        continue;
      }
      expect(chunk.offset).toBe(offset);
      offset += chunk.bytes;
      text += chunk.text;
    }
    return text;
  };
  return { log: log!, until, leave: () => gone.abort() };
}

it("is one open file and one watch for 200 readers, who all get all of it, and none of both when they have left", async () => {
  const watches = watchCount();
  const readers = await Promise.all(Array.from({ length: READERS }, join));
  expect([openFilesIn(folder).length, watchCount() - watches]).toEqual([1, 1]);
  let written = "";
  const reading = readers.map(({ until }) => until(300 * "line 100\n".length));
  for (let n = 0; n < 300; n++) {
    const line = `line ${100 + n}\n`;
    written += line;
    await appendFile(store.pathFor(ref), line);
  }
  for (const text of await Promise.all(reading)) expect(text).toBe(written);
  for (const { leave } of readers.slice(1)) leave();
  await appendFile(store.pathFor(ref), "end");
  expect(await readers[0]!.until(written.length + 3)).toBe(`${written}end`);
  readers[0]!.leave();
  await expect.poll(() => [openFilesIn(folder).length, watchCount() - watches], PATIENCE).toEqual([0, 0]);
});

it("gives readers at the same place the same piece, read once", async () => {
  await writeFile(store.pathFor(ref), "x".repeat(100_000));
  const [one, two] = [await join(), await join()];
  const [first, second] = await Promise.all([one.log.chunkAt(0, false), two.log.chunkAt(0, false)]);
  expect(first).toBe(second);
  expect(first).toMatchObject({ offset: 0, bytes: 65_536 });
  one.leave();
  two.leave();
});

it("is not there until it is, and is opened anew for whoever comes after the last has left", async () => {
  const other = { ...ref, attempt: 2 };
  const gone = new AbortController();
  expect(await store.live(other, () => undefined, gone.signal)).toBeNull();
  await store.ensureFile(other);
  expect(await store.live(other, () => undefined, gone.signal)).not.toBeNull();
  gone.abort();
  const late = new AbortController();
  late.abort();
  expect(await store.live(other, () => undefined, late.signal)).not.toBeNull();
  await expect.poll(() => openFilesIn(folder), PATIENCE).toEqual([]);
});

it("begins near its end where a line begins, or between characters if none does", async () => {
  const reader = await join();
  await writeFile(store.pathFor(ref), "a line of some length\n".repeat(10_000));
  const place = await reader.log.nearEnd(0);
  expect(place % "a line of some length\n".length).toBe(0);
  expect(220_000 - place).toBeLessThanOrEqual(65_536);
  await writeFile(store.pathFor(ref), `x${"€".repeat(100_000)}`);
  expect(((await reader.log.nearEnd(0)) - 1) % 3).toBe(0);
  reader.leave();
});
