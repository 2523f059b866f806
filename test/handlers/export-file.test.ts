// Export files: whatever is not a whole one is refused in plain words, and leaves nothing behind.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { deflateRawSync } from "node:zlib";
import { expect, it, onTestFinished } from "vitest";
import { AppError } from "../../src/errors.js";
import { readExportFile, writeExportFile } from "../../src/handlers/export-file.js";
import { craftZip, type CraftedArchive, type CraftedEntry } from "../support/zips.js";

const ARCHIVE = Buffer.from("PK, or any other bytes: here they only have to come back as they were");
const sha256Of = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const NOTE = { format: 1, name: "a", version: 3, sha256: sha256Of(ARCHIVE), exportedAt: "2026-12-01T12:00:00.000Z" };

async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "batchline-export-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Reads an export of these bytes; the copy of its archive would be the file `copy`. */
async function read(bytes: Buffer) {
  const folder = await openFolder();
  const path = join(folder, "export.zip");
  await writeFile(path, bytes);
  const reading = readExportFile(path, () => join(folder, "copy"));
  return { reading, left: () => readdir(folder) };
}

/** The three entries of a good export, each changed as said; null: left out. */
function crafted(
  changes: Partial<Record<"note" | "config" | "archive", Partial<CraftedEntry> | null>>,
  archive?: CraftedArchive,
) {
  const entries: [keyof typeof changes, CraftedEntry][] = [
    ["note", { name: "batchline.json", content: JSON.stringify(NOTE), method: 0 }],
    ["config", { name: "config.json", content: '{"name":"a"}', method: 0 }],
    ["archive", { name: "batch.zip", content: ARCHIVE, method: 0 }],
  ];
  const kept = entries.flatMap(([key, entry]) => (changes[key] === null ? [] : [{ ...entry, ...changes[key] }]));
  return craftZip(kept, archive);
}

it("what was written is read again, byte for byte, and has the length that was told", async () => {
  // Several pieces long, and of no pattern.
  const archive = Buffer.concat(Array.from({ length: 5000 }, (_, i) => createHash("sha512").update(`${i}`).digest()));
  const folder = await openFolder();
  await writeFile(join(folder, "artifact"), archive);
  const content = createReadStream(join(folder, "artifact"));
  const { sha256, name, version } = { ...NOTE, name: "Ärzte & Co.", sha256: sha256Of(archive) };
  const contents = { name, version, sha256, exportedAt: Date.UTC(2026, 11, 1), config: { name, args: ["ü"] } };
  const exported = writeExportFile({ ...contents, archive: { content, bytes: archive.length } });
  const bytes = await buffer(exported.content);
  expect(bytes.length).toBe(exported.bytes);
  const { reading } = await read(bytes);
  const imported = await reading;
  expect(JSON.parse(imported.config)).toEqual({ name, args: ["ü"] });
  expect(imported.name).toBe(name);
  expect(imported.archive).toMatchObject({ name: `${name}.zip`, sha256, bytes: archive.length });
  expect((await readFile(imported.archive.path)).equals(archive)).toBe(true);
});

it("an export that nobody reads to its end gives its archive back", async () => {
  const content = new Readable({ read: () => undefined });
  const contents = { name: "a", version: 1, sha256: NOTE.sha256, exportedAt: 0, config: {} };
  const { content: exported } = writeExportFile({ ...contents, archive: { content, bytes: 5 } });
  exported.destroy();
  await expect.poll(() => content.destroyed).toBe(true);
});

it.each(["an archive that breaks", "an archive of another length"])("%s breaks the export", async (title) => {
  const content = title.endsWith("breaks")
    ? new Readable({ read: () => content.destroy(new Error("broken")) })
    : Readable.from([Buffer.from("1234")]);
  const contents = { name: "a", version: 1, sha256: NOTE.sha256, exportedAt: 0, config: {} };
  const { content: exported } = writeExportFile({ ...contents, archive: { content, bytes: 5 } });
  await expect(buffer(exported)).rejects.toThrow();
});

it("a good export, made by hand, is taken: so the refusals below are about what was changed", async () => {
  for (const note of [{}, { streamed: true }, { zip64: true }]) {
    const { reading, left } = await read(crafted({ note, archive: note }));
    expect(await reading).toMatchObject({ config: '{"name":"a"}', name: "a" });
    expect(await left()).toEqual(["copy", "export.zip"]);
  }
});

const noted = (changes: object) => crafted({ note: { content: JSON.stringify({ ...NOTE, ...changes }) } });

it.each<[string, Buffer, RegExp]>([
  ["no zip", Buffer.from("hello"), /no zip archive/],
  ["empty", Buffer.alloc(0), /no zip archive/],
  ["cut off", crafted({}).subarray(0, -1), /no zip archive/],
  ["an ordinary upload", craftZip([{ name: "script.sh", content: "true\n" }]), /must hold batchline.json, config.json/],
  ["without a note", crafted({ note: null }), /must hold/],
  ["without a config", crafted({ config: null }), /must hold/],
  ["without an archive", crafted({ archive: null }), /must hold/],
  ["with one name twice", crafted({ config: { name: "batchline.json" } }), /must hold/],
  [
    "with a file more",
    craftZip(["batchline.json", "config.json", "batch.zip", "x"].map((name) => ({ name }))),
    /three/,
  ],
  ["packed", crafted({ config: { method: 8 } }), /config.json is packed/],
  ["an archive packed", crafted({ archive: { method: 8, packed: deflateRawSync(ARCHIVE) } }), /batch.zip is packed/],
  ["encrypted", crafted({ note: { flags: 1 } }), /batchline.json is packed or encrypted/],
  ["a note that is no JSON", crafted({ note: { content: "{" } }), /batchline.json is not of the form/],
  ["a note of a later format", noted({ format: 2 }), /a newer one may have written it/],
  ["a note without a digest", noted({ sha256: undefined }), /not of the form/],
  ["a digest of something else", noted({ sha256: "0".repeat(64) }), /batch.zip is damaged/],
  [
    "an archive of other bytes",
    crafted({ archive: { content: ARCHIVE.toString().toUpperCase() } }),
    /batch.zip is damaged/,
  ],
  ["an empty archive", crafted({ archive: { content: "" } }), /batch.zip is damaged/],
  ["a config that is damaged", crafted({ config: { crc: 1 } }), /config.json is damaged/],
  [
    "a config in Latin-1",
    crafted({ config: { content: Buffer.from('{"name":"ä"}', "latin1") } }),
    /config.json is damaged/,
  ],
  ["a huge config", crafted({ config: { content: " ".repeat(1024 ** 2 + 1) } }), /config.json is larger/],
  [
    "an archive said to be longer",
    crafted({ archive: { size: 2 ** 31, compressedSize: 2 ** 31 } }),
    /batch.zip is damaged/,
  ],
  ["sizes that contradict each other", crafted({ archive: { compressedSize: 5 } }), /batch.zip is damaged/],
  ["an archive that begins elsewhere", crafted({ archive: { offset: 3 } }), /batch.zip is damaged/],
  ["an archive beyond the end", crafted({ archive: { offset: 2 ** 31 } }), /batch.zip is damaged/],
])("%s is refused", async (_, bytes, words) => {
  const { reading, left } = await read(bytes);
  const refusal: unknown = await reading.catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(AppError);
  expect(refusal).toMatchObject({ code: "unprocessable", reason: "bad_export" });
  expect((refusal as AppError).message).toMatch(words);
  expect((refusal as AppError).message).toMatch(/^The file is no export of a batch\. .*\. Export the batch again/);
  expect(await left()).toEqual(["export.zip"]);
});
