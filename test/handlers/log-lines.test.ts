// Reading logs by lines: exact against what a few lines of naive code find, wherever the borders of blocks fall.
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { LogStore, type LineLog } from "../../src/handlers/log-store.js";
import { excerptOf } from "../../src/handlers/log-store/excerpt.js";
import { firstError } from "../../src/handlers/log-store/first-error.js";
import { matchOf } from "../../src/handlers/log-store/log-match.js";
import { needleOf } from "../../src/handlers/log-store/needle.js";
import { searchLog, type Found } from "../../src/handlers/log-store/search-log.js";
import { errorPatternOf } from "../../src/models/error-line.js";

const REF = { executionId: 7, attempt: 1, stream: "log" } as const;
const NEVER = new AbortController().signal;
const RUNS = { numRuns: 300, seed: 20261125 };

/** A store whose one log has these bytes. */
class Logs {
  private constructor(
    private readonly folder: string,
    private readonly store: LogStore,
  ) {}

  static async make(blockBytes?: number): Promise<Logs> {
    const folder = await mkdtemp(path.join(tmpdir(), "batchline-lines-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const store = new LogStore({ folder, ...(blockBytes === undefined ? {} : { blockBytes }) });
    await store.ensureFolder(REF.executionId);
    return new Logs(folder, store);
  }

  /** The same folder, read in blocks of another size. */
  by(blockBytes: number): Logs {
    return new Logs(this.folder, new LogStore({ folder: this.folder, blockBytes }));
  }

  write = (bytes: Buffer | string) => writeFile(this.store.pathFor(REF), bytes);
  append = (bytes: Buffer | string) => appendFile(this.store.pathFor(REF), bytes);
  replace = async (bytes: Buffer | string) => {
    await rm(this.store.pathFor(REF));
    await this.write(bytes);
  };

  async with<T>(work: (log: LineLog) => Promise<T>, signal = NEVER): Promise<T> {
    const log = await this.store.openLines(REF, signal);
    try {
      return await work(log);
    } finally {
      await log.close();
    }
  }
}

interface NaiveLine {
  offset: number;
  /** With a carriage return, without the line feed. */
  bytes: Buffer;
  ended: boolean;
}

function naiveLines(content: Buffer): NaiveLine[] {
  const lines: NaiveLine[] = [];
  for (let offset = 0; offset < content.length;) {
    const feed = content.indexOf(10, offset);
    const end = feed < 0 ? content.length : feed;
    lines.push({ offset, bytes: content.subarray(offset, end), ended: feed >= 0 });
    offset = end + 1;
  }
  return lines;
}

function naiveSearch(content: Buffer, text: string, ignoreCase: boolean): Found {
  const fold = (bytes: Buffer) => {
    const latin = bytes.toString("latin1");
    return ignoreCase ? latin.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : latin;
  };
  const needle = fold(Buffer.from(text));
  const found: Found = { hits: [], matchingLines: 0, matches: 0 };
  for (const { offset, bytes } of naiveLines(content)) {
    const parts = fold(bytes).split(needle);
    if (parts.length === 1) continue;
    found.hits.push({ offset, match: offset + (parts[0]?.length ?? 0) });
    found.matchingLines += 1;
    found.matches += parts.length - 1;
  }
  return found;
}

/** Few different bytes, so that they meet often: letters in both cases, line ends, NUL, half characters. */
const mixed = fc.constantFrom("a", "a", "b", "A", "B", "\n", "\n", "\r\n", "\r", "\0", "ä", "€", "\xff");
/** Hardly anything but one letter: matches that could begin inside others. */
const dense = fc.constantFrom("a", "a", "a", "a", "a", "a", "a", "a", "b", "\n");
const content = fc
  .oneof(fc.array(mixed, { maxLength: 80 }), fc.array(dense, { maxLength: 80 }))
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part, part === "\xff" ? "latin1" : "utf8"))));
const text = fc
  .array(fc.constantFrom("a", "a", "a", "a", "a", "b", "A", "\r", "\0", "ä", "€"), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(""));
const blockBytes = fc.integer({ min: 1, max: 17 });

it("a search finds every matching line, counts every match, and tells where, as naive code does", async () => {
  const logs = await Logs.make();
  const property = fc.asyncProperty(content, text, fc.boolean(), blockBytes, async (bytes, q, ignoreCase, size) => {
    await logs.write(bytes);
    const needle = needleOf(q, ignoreCase);
    const all = { needle, start: 0, skip: 0, hits: 1000, countAll: true };
    const expected = naiveSearch(bytes, q, ignoreCase);
    const small = logs.by(size);
    expect(await small.with((log) => searchLog(log, all))).toEqual(expected);
    const some = await small.with((log) => searchLog(log, { ...all, skip: 1, hits: 2 }));
    expect(some).toEqual({ ...expected, hits: expected.hits.slice(1, 3) });
    // As a cursor goes on: from the start of a line, up to what is wanted.
    for (const [i, { offset }] of expected.hits.entries()) {
      const rest = { needle, start: offset, skip: 0, hits: 2, countAll: false };
      const { hits } = await small.with((log) => searchLog(log, rest));
      expect(hits).toEqual(expected.hits.slice(i, i + 2));
    }
  });
  await fc.assert(property, RUNS);
});

it("any line is found by its number and any byte by its line, in any order, as naive code does", async () => {
  const logs = await Logs.make();
  const property = fc.asyncProperty(content, blockBytes, fc.infiniteStream(fc.nat()), async (bytes, size, random) => {
    await logs.write(bytes);
    const small = logs.by(size);
    const lines = naiveLines(bytes);
    for (const number of lines.map(() => (random.next().value as number) % lines.length)) {
      const { offset, bytes: whole, ended } = lines[number]!;
      const shown = ended && whole.at(-1) === 13 ? whole.subarray(0, -1) : whole;
      await small.with(async (log) => {
        expect(await log.startOf(number + 1)).toBe(offset);
        expect(await log.lineAt(offset + whole.length - (ended ? 0 : 1))).toBe(number + 1);
        const [line] = await log.lines(number + 1, { lines: 1, lineBytes: 1000, totalBytes: 1000 });
        const told = { line: number + 1, offset, bytes: shown.length, text: shown.toString(), cut: false };
        expect(line).toEqual({ ...told, end: offset + whole.length });
      });
    }
    await small.with(async (log) => {
      expect(await log.startOf(lines.length + 1)).toBeNull();
      expect(await log.lineCount()).toBe(lines.length);
      const portion = { lines: lines.length + 1, lineBytes: 1000, totalBytes: Infinity };
      expect((await log.lines(1, portion)).map(({ offset }) => offset)).toEqual(lines.map(({ offset }) => offset));
    });
  });
  await fc.assert(property, RUNS);
});

it("the excerpt of a match shows exactly what matched, at the columns that it tells", async () => {
  const logs = await Logs.make();
  const filler = fc.constantFrom("", "x".repeat(150), "ä".repeat(600), "€ ".repeat(400), "\0".repeat(990));
  const property = fc.asyncProperty(filler, content, filler, blockBytes, async (before, middle, after, size) => {
    await logs.write(Buffer.concat([Buffer.from(before), middle, Buffer.from(`ab${after}\nx`)]));
    await logs.by(size * 50).with(async (log) => {
      const needle = needleOf("ab", true);
      const { hits } = await searchLog(log, { needle, start: 0, skip: 0, hits: 9, countAll: true });
      expect(hits.length).toBeGreaterThan(0);
      for (const hit of hits) {
        const { text: shown, textOffset, cut, columns, bytes, offset } = await excerptOf(log, hit, needle);
        expect(columns.length).toBeGreaterThan(0);
        for (const { from, to } of columns) expect(shown.slice(from, to).toLowerCase()).toBe("ab");
        const whole = await log.bytes(textOffset, offset + bytes);
        const isCutBehind = !whole.toString().startsWith(shown) || whole.toString().length > shown.length;
        if (!cut) expect(shown).toBe(whole.toString());
        expect(cut).toBe(textOffset > offset || isCutBehind);
        expect(Buffer.byteLength(shown)).toBeLessThan(3010);
      }
    });
  });
  await fc.assert(property, { ...RUNS, numRuns: 100 });
});

it("a line longer than many blocks is passed, cut at a whole character, and its surroundings are found", async () => {
  const logs = (await Logs.make()).by(64);
  const long = "€".repeat(5000);
  await logs.write(`one\n${long}\nneedle\r\n${long}needle${long}\nlast`);
  await logs.with(async (log) => {
    const lines = await log.lines(1, { lines: 9, lineBytes: 100, totalBytes: Infinity });
    const length = 3 * 5000;
    expect(lines.map(({ line, bytes, cut }) => [line, bytes, cut])).toEqual([
      [1, 3, false],
      [2, length, true],
      [3, 6, false],
      [4, 2 * length + 6, true],
      [5, 4, false],
    ]);
    expect(lines[1]?.text).toBe("€".repeat(33));
    const needle = needleOf("needle", false);
    const { hits } = await searchLog(log, { needle, start: 0, skip: 0, hits: 9, countAll: true });
    const [first, second] = [await matchOf(log, hits[0]!, needle, 1), await matchOf(log, hits[1]!, needle, 2)];
    expect([first.line, first.before[0]?.line, first.after[0]?.line, first.text]).toEqual([3, 2, 4, "needle"]);
    expect([second.line, second.before.length, second.after.map(({ text: shown }) => shown)]).toEqual([4, 2, ["last"]]);
    const [column] = second.columns;
    expect(second.text.slice(column?.from, column?.to)).toBe("needle");
    expect(second.text).not.toContain("\ufffd");
  });
});

it("what is known of a log stays true while it grows, and is forgotten when another one takes its place", async () => {
  const logs = (await Logs.make()).by(8);
  const count = () => logs.with((log) => log.lineCount());
  await logs.write("1\n2\n3\n4\n5\n6\n7");
  expect(await count()).toBe(7);
  await logs.append("seven\n8\n9\n");
  expect(await count()).toBe(9);
  expect(await logs.with((log) => log.lines(7, { lines: 1, lineBytes: 9, totalBytes: 9 }))).toMatchObject([
    { text: "7seven" },
  ]);
  await logs.replace("one long line instead of many\n");
  expect(await count()).toBe(1);
  await logs.write("1\n2\n3\n4\n5"); // the same file, cut
  expect(await count()).toBe(5);
});

it("reading ends with the one who asked", async () => {
  const logs = (await Logs.make()).by(8);
  await logs.write("x".repeat(1000));
  const leaving = new AbortController();
  await logs.with(async (log) => {
    await log.block(0, true);
    leaving.abort();
    await expect(log.lineCount()).rejects.toMatchObject({ reason: "asker_gone" });
  }, leaving.signal);
});

it("the first line that looks like an error is found wherever the borders of blocks fall", async () => {
  const logs = await Logs.make();
  const word = fc.constantFrom(
    "ok",
    "no error",
    "0 errors",
    "error",
    "fatal",
    "failed",
    "TypeError: x",
    " ",
    "\n",
    "\n",
  );
  const property = fc.asyncProperty(fc.array(word, { maxLength: 20 }), blockBytes, async (words, size) => {
    const bytes = Buffer.from(words.join(" "));
    await logs.write(bytes);
    const expected = naiveLines(bytes).find((line) => errorPatternOf(line.bytes.toString("latin1")) !== null);
    const found = await logs.by(size).with(firstError);
    expect(found?.offset).toBe(expected?.offset);
  });
  await fc.assert(property, RUNS);
});
