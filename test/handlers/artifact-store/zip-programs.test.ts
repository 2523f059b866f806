// Archives as the zip programs of this world write them; each is taken, in each way of unpacking.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { craftZip, type CraftedEntry } from "../../support/zips.js";
import { openStore, WAYS } from "./open-store.js";

const FIXTURES = new URL("../../fixtures/archives/", import.meta.url);

/** What was unpacked: the size and the right to execute, or "folder", by path; the same whatever the way. */
async function unpacked(zip: Buffer): Promise<Record<string, string>> {
  const [whole, streamed] = await Promise.all(
    WAYS.map(async (way) => {
      const { store, upload } = await openStore({}, way);
      const folder = store.filesFolder((await upload(zip)).key);
      const names = (await readdir(folder, { recursive: true })).sort();
      const lines = names.map(async (name) => {
        const facts = await stat(join(folder, name));
        const isProgram = (facts.mode & 0o111) !== 0;
        return [name, facts.isDirectory() ? "folder" : `${facts.size}${isProgram ? " program" : ""}`] as const;
      });
      return Object.fromEntries(await Promise.all(lines));
    }),
  );
  expect(streamed).toEqual(whole);
  return whole ?? {};
}

/**
 * One folder, packed with Info-ZIP 3.0 by `zip -r x.zip .`, by `zip -r - . | cat` (sizes behind the data) and by
 * `zip -fz -r x.zip .` (zip64 numbers), and by Python's zipfile with zip64 numbers in front of the data only.
 */
it.each(["info-zip", "info-zip-streamed", "info-zip-zip64", "python-zip64-local"])("%s", async (name) => {
  expect(await unpacked(await readFile(new URL(`${name}.zip`, FIXTURES)))).toEqual({
    bin: "folder",
    "bin/tool": "20 program",
    data: "folder",
    "data/nothing": "0",
    "data/zeros": "3000",
    "data/été 日本.txt": "6",
    empty: "folder",
    "script.sh": "29 program",
  });
});

const SCRIPT: CraftedEntry = { name: "script.sh", content: "echo hello\n" };

it("the Finder of macOS, with the companions that it adds to every file", async () => {
  const companion = Buffer.from("00051607000200004d6163204f53205820202020202020200002", "hex");
  const entries: CraftedEntry[] = [
    { ...SCRIPT, streamed: true, mode: 0o100755 },
    { name: "__MACOSX/" },
    { name: "__MACOSX/._script.sh", content: companion, streamed: true },
    { name: ".DS_Store", content: "Bud1", streamed: true },
    // macOS writes é as e with an accent behind it, in UTF-8 without saying so.
    { name: "cafe\u0301.txt", content: "x", flags: 0 },
  ];
  expect(await unpacked(craftZip(entries))).toEqual({
    ".DS_Store": "4",
    __MACOSX: "folder",
    "__MACOSX/._script.sh": "26",
    "cafe\u0301.txt": "1",
    "script.sh": "11 program",
  });
});

it.each([
  ["the Explorer of Windows", 0],
  ["a program that says Windows NTFS", 11],
])("%s, without modes", async (_, madeBy) => {
  const windows = { madeBy, mode: 0 };
  const entries = [SCRIPT, { name: "data/", method: 0 }, { name: "data/x.txt", content: "x" }, { name: "empty/" }];
  expect(await unpacked(craftZip(entries.map((entry) => ({ ...entry, ...windows }))))).toEqual({
    data: "folder",
    "data/x.txt": "1",
    empty: "folder",
    "script.sh": "11 program",
  });
});
