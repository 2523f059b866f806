// Where the last lines of a log begin, on real files.
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogStore, type LogRef, type OpenLog } from "../../src/handlers/log-store.js";

let folder: string;
let store: LogStore;
let opened: OpenLog[];
const ref: LogRef = { executionId: 42, attempt: 1, stream: "log" };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "log-store-"));
  store = new LogStore({ folder });
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((log) => log.close()));
  await rm(folder, { recursive: true });
});

async function openedLog(content: string | Uint8Array, size = content.length): Promise<OpenLog> {
  await store.ensureFile(ref);
  await writeFile(store.pathFor(ref), content);
  await truncate(store.pathFor(ref), size);
  const log = await store.open(ref);
  opened.push(log!);
  return log!;
}

describe("the tail", () => {
  it.each([
    ["a\nb\nc\n", 1, "c\n"],
    ["a\nb\nc", 1, "c"],
    ["a\nb\nc", 2, "b\nc"],
    ["a\nb\nc\n", 3, "a\nb\nc\n"],
    ["a\nb\nc\n", 99, "a\nb\nc\n"],
    ["a\nb\nc\n", 0, ""],
    ["a\r\nb\r\n", 1, "b\r\n"],
    ["a\n\n\n", 2, "\n\n"],
    ["\n", 1, "\n"],
    ["\na", 1, "a"],
    ["", 5, ""],
  ])("of %j, %d lines, is %j", async (content, lines, expected) => {
    const log = await openedLog(content);
    expect(await text(log.read(await log.tailOffset(lines), log.size))).toBe(expected);
  });

  it("is right wherever a line feed falls on the edge of a chunk", async () => {
    const chunk = 262_144;
    for (const length of [chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 1]) {
      for (const lines of [1, 2, 3]) {
        const content = `${"x".repeat(10)}\nmiddle\n${"y".repeat(length)}\n`;
        const log = await openedLog(content);
        expect(await log.tailOffset(lines), `${length}, ${lines}`).toBe([0, 18, 11, 0][lines]);
      }
    }
  });

  it("agrees with splitting the text, for any bytes", async () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => array.map((byte) => (byte % 3 === 0 ? 10 : byte)));
    await fc.assert(
      fc.asyncProperty(bytes, fc.nat(12), async (content, lines) => {
        const all =
          Buffer.from(content)
            .toString("latin1")
            .match(/[^\n]*\n|[^\n]+$/g) ?? [];
        const expected = content.length - all.slice(all.length - Math.min(lines, all.length)).join("").length;
        expect(await (await openedLog(content)).tailOffset(lines)).toBe(expected);
      }),
      { numRuns: 100 },
    );
  });

  it("goes back through one line of 256 MiB without holding it", async () => {
    const log = await openedLog("first\n", 2 ** 28);
    const before = process.resourceUsage().maxRSS;
    expect(await log.tailOffset(1)).toBe(6);
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(64 * 1024); // KiB
  });

  it.each([-1, 1.5, NaN])("is not defined for %d lines", async (lines) => {
    await expect((await openedLog("a\n")).tailOffset(lines)).rejects.toThrow(RangeError);
  });
});
