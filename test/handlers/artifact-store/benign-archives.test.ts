// Archives that are odd but honest must be taken, with all their files as they were packed.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { craftZip, zipOf, type CraftedArchive, type CraftedEntry } from "../../support/zips.js";
import { openStore, WAYS } from "./open-store.js";

const SCRIPT: CraftedEntry = { name: "script.sh", content: "echo hello\n" };

/** What was unpacked, the same in each way: contents by path, `null` for folders. */
async function unpacked(zip: Buffer): Promise<Map<string, string | null>> {
  const [whole, streamed] = await Promise.all(WAYS.map((way) => unpackedIn(way, zip)));
  expect(streamed).toEqual(whole);
  return whole ?? new Map<string, null>();
}

async function unpackedIn(way: (typeof WAYS)[number], zip: Buffer): Promise<Map<string, string | null>> {
  const { store, upload } = await openStore({}, way);
  const { key } = await upload(zip);
  const folder = store.filesFolder(key);
  const names = (await readdir(folder, { recursive: true })).sort();
  const contents = names.map(async (name) => {
    const path = join(folder, name);
    return [name, (await stat(path)).isDirectory() ? null : await readFile(path, "utf8")] as const;
  });
  return new Map(await Promise.all(contents));
}

it("takes every kind of honest entry", async () => {
  const deepest = `${"d/".repeat(31)}f`;
  const longest = "n".repeat(255);
  const honest: CraftedEntry[] = [
    { name: "été/日本.txt", content: "UTF-8" },
    { name: "caf\u00e9", content: "UTF-8 without saying so, as macOS does", flags: 0 },
    ...["-rf", "..x", "con", ".bashrc", ".env", "a b", "$(x)", "'\""].map((name) => ({ name, content: "looks bad" })),
    ...["__proto__", "constructor", "toString"].map((name) => ({ name, content: "JavaScript has these" })),
    { name: deepest, content: "32 levels" },
    { name: longest, content: "255 bytes" },
    { name: "before/x", content: "folder entry comes later" },
    { name: "before/" },
    { name: "empty/" },
    { name: "java/", method: 8 },
    { name: "nothing", method: 0 },
    { name: "deflated nothing", method: 8 },
    { name: "stored", content: "stored", method: 0 },
    { name: "streamed", content: "sizes behind the data, as pipes do", streamed: true },
    { name: "zip64", content: "zip64 numbers", zip64: true },
    { name: "windows", content: "without a mode", madeBy: 11, mode: 0 },
    { name: "dos/", madeBy: 0, mode: 0 },
    { name: "macos", content: "with its companion", madeBy: 19 },
    { name: "__MACOSX/._macos", content: "companion" },
    { name: "extra", content: "extra field before the data", local: { extra: Buffer.from("feca0000", "hex") } },
  ];
  const files = honest.filter(({ name }) => !String(name).endsWith("/"));
  const found = await unpacked(craftZip([SCRIPT, ...honest]));
  expect(found.get("script.sh")).toBe(SCRIPT.content);
  for (const { name, content } of files) expect([name, found.get(String(name))]).toEqual([name, content ?? ""]);
  const folders = [...found].filter(([, content]) => content === null).map(([name]) => name);
  const deep = Array.from({ length: 31 }, (_, n) => `${"d/".repeat(n)}d`);
  expect(folders).toEqual(["__MACOSX", "before", ...deep, "dos", "empty", "java", "été"]);
  expect(found.size).toBe(1 + files.length + folders.length);
});

describe("archives", () => {
  it.each<[string, CraftedArchive]>([
    ["comment", { comment: Buffer.from("made by hand") }],
    ["longest comment", { comment: Buffer.alloc(0xffff, 0x20) }],
    ["zip64 end record", { zip64: {} }],
    ["zip64 end record beside a complete short one", { zip64: {}, count: 1 }],
    ["unused bytes where an entry was deleted", { gap: Buffer.alloc(100) }],
  ])("%s", async (_, archive) => {
    expect([...(await unpacked(craftZip([SCRIPT], archive)))]).toEqual([["script.sh", SCRIPT.content]]);
  });

  it("keeps an archive inside the archive as a file", async () => {
    const inner = await zipOf({ "x.txt": "x" });
    const { store, upload } = await openStore();
    const { key } = await upload(craftZip([SCRIPT, { name: "inner.zip", content: inner, method: 0 }]));
    expect(await readFile(join(store.filesFolder(key), "inner.zip"))).toEqual(inner);
  });

  it("takes large files that pack well, within the limits", async () => {
    const { upload } = await openStore();
    const zeros = Buffer.alloc(9 * 1024 * 1024);
    const { unpackedBytes } = await upload(await zipOf({ "script.sh": "echo hello\n", zeros }));
    expect(unpackedBytes).toBe(zeros.length + 11);
  });
});

it("keeps the right to execute, and no other bits", async () => {
  const { store, upload } = await openStore();
  const { key } = await upload(
    craftZip([
      { ...SCRIPT, mode: 0o100600 },
      { name: "setuid", content: "x", mode: 0o104755 },
      { name: "group-only", content: "x", mode: 0o100610 },
      { name: "open", content: "x", mode: 0o100666 },
      { name: "closed/", mode: 0o040000 },
      { name: "closed/x", content: "x", mode: 0o100000 },
    ]),
  );
  const mode = async (name: string): Promise<number> => (await stat(join(store.filesFolder(key), name))).mode & 0o7777;
  expect(await mode("script.sh")).toBe(0o750);
  expect(await mode("setuid")).toBe(0o750);
  expect(await mode("group-only")).toBe(0o750);
  expect(await mode("open")).toBe(0o640);
  expect(await mode("closed")).toBe(0o750);
  expect(await mode("closed/x")).toBe(0o640);
});
