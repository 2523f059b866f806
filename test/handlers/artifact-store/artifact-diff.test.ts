// Comparing two artifacts: nothing that differs stays hidden, and nothing makes the answer late or endless.
import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { expect, it } from "vitest";
import { ArtifactComparer } from "../../../src/handlers/artifact-store/artifact-diff.js";
import { listFiles } from "../../../src/handlers/artifact-store/artifact-reader.js";
import type { ZipFiles } from "../../support/zips.js";
import { openPlace } from "./open-place.js";

async function compare(from: ZipFiles, to: ZipFiles) {
  return new ArtifactComparer().compare(await openPlace(from), await openPlace(to));
}

const manyFiles = (count: number, content: string): ZipFiles =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i % 100}/${i}.txt`, `${i} ${content}\n`]));

const randomLines = (count: number) =>
  Array.from({ length: count }, () => randomBytes(32).toString("base64")).join("\n");

it("a change that keeps size and checksum is found all the same", async () => {
  const [from, to] = ["plumless", "buckeroo"];
  expect(crc32(from)).toBe(crc32(to));
  const { files } = await compare({ x: from }, { x: to });
  expect(files).toMatchObject([{ path: "x", change: "changed", bytes: { from: 8, to: 8 } }]);
});

it("files of the same size and checksum are compared to their last byte", async () => {
  // Longer than what is read at once, so that the forged part comes late.
  const head = Buffer.alloc(1024 ** 2, "x");
  const [from, to] = ["plumless", "buckeroo"].map((end) => Buffer.concat([head, Buffer.from(end)]));
  expect((await compare({ x: from! }, { x: from! })).files).toEqual([]);
  const { files } = await compare({ x: from! }, { x: to! });
  expect(files).toMatchObject([{ path: "x", change: "changed", patch: null }]);
});

it("of ten thousand files the one that differs is told", async () => {
  const [from, to] = [
    await openPlace(manyFiles(10_000, "a")),
    await openPlace({ ...manyFiles(10_000, "a"), "d5/5.txt": "b\n" }),
  ];
  expect(await listFiles(from)).toHaveLength(10_000);
  const { files, truncated } = await new ArtifactComparer().compare(from, to);
  expect(files.map(({ path }) => path)).toEqual(["d5/5.txt"]);
  expect(truncated).toBe(false);
}, 60_000);

it("more than a thousand files that differ are cut off, and it is said", async () => {
  const exact = await compare(manyFiles(1000, "a"), manyFiles(1000, "b"));
  expect(exact).toMatchObject({ files: { length: 1000 }, truncated: false });
  const more = await compare(manyFiles(1001, "a"), manyFiles(1001, "b"));
  expect(more).toMatchObject({ files: { length: 1000 }, truncated: true });
});

it("more than 2 MiB of lines are cut off, and every file without them says so", async () => {
  const large = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.txt`, `${"x".repeat(63)}\n`.repeat(8192)]));
  const { files, truncated } = await compare({ z: "1\n" }, { ...large(5), z: "2\n" });
  expect(truncated).toBe(true);
  // Each patch is a little longer than its half MiB.
  expect(files.map(({ patch }) => patch !== null)).toEqual([true, true, true, false, false, false]);
  expect(files.map(({ note }) => note).slice(2)).toEqual([
    null,
    ...Array<unknown>(3).fill(expect.stringMatching(/fill/)),
  ]);
});

it("what is too large to be split into lines is told as changed, text or not", async () => {
  const text = "x".repeat(1024 ** 2);
  const from = { long: `${text}1`, lines: "\n".repeat(20_001), binary: Buffer.alloc(1024 ** 2 + 1) };
  const to = {
    long: `${text}2`,
    exact: text,
    lines: "\n".repeat(20_002),
    binary: Buffer.alloc(1024 ** 2 + 2),
  };
  const { files } = await compare(from, to);
  expect(files.map(({ path, binary, note }) => [path, binary, note])).toEqual([
    ["binary", true, "It is no text."],
    ["exact", false, null],
    ["lines", false, expect.stringMatching(/too large/)],
    ["long", false, expect.stringMatching(/too large/)],
  ]);
});

it("files whose lines would take for ever to compare are told as changed, and nothing else waits for that", async () => {
  const from = { "random.txt": randomLines(20_000), "small.txt": "1\n" };
  const to = { "random.txt": randomLines(20_000), "small.txt": "2\n" };
  const [comparing, other] = [compare(from, to), compare({ x: "1" }, { x: "2" })];
  let turns = 0;
  const turning = setInterval(() => (turns += 1), 1);
  const { files, truncated } = await comparing;
  clearInterval(turning);
  expect(turns).toBeGreaterThan(50);
  expect(truncated).toBe(false);
  expect(files).toMatchObject([
    {
      path: "random.txt",
      change: "changed",
      binary: false,
      patch: null,
      note: expect.stringMatching(/too long/) as string,
    },
    { path: "small.txt", change: "changed", note: null, patch: expect.stringContaining("-1\n+2\n") as string },
  ]);
  expect((await other).files).toHaveLength(1);
});
