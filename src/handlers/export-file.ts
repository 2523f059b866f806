// The one file that a batch is exported to and imported from: a zip of its config, its archive, and a note on both.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { pipeline as finished } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { ZipFile } from "yazl";
import { AppError, explainDiskFull } from "../errors.js";
import { exportNoteSchema, type ExportNote } from "../models/version.js";
import { readCentralDirectory, type ArchiveEntry } from "./artifact-store/central-directory.js";
import { readExactly } from "./artifact-store/end-record.js";
import { UnreadableArchive } from "./artifact-store/findings.js";

/** What goes into an export. */
export interface ExportContents {
  name: string;
  version: number;
  sha256: string;
  /** In ms since 1970. */
  exportedAt: number;
  /** The config, as JSON can hold it. */
  config: object;
  /** The zip as it was uploaded. Closed when it has been written, or nobody wants it any more. */
  archive: { content: Readable; bytes: number };
}

/** What came out of an export: fit for being uploaded. */
export interface Imported {
  /** JSON text, not checked any further. */
  config: string;
  name: string;
  /** The zip, copied out into a file of its own; `name` is a file name for it. */
  archive: { path: string; name: string; sha256: string; bytes: number };
}

const NOTE = "batchline.json";
const CONFIG = "config.json";
const ARCHIVE = "batch.zip";
const NAMES = [NOTE, CONFIG, ARCHIVE];

/** As much as an upload may have. */
const MAX_TEXT_BYTES = 1024 ** 2;
const LOCAL_HEADER_BYTES = 30;
const LOCAL_HEADER_SIGNATURE = 0x04034b50;
const METHOD_STORED = 0;
const FILE_MODE = 0o640;

/** Writes an export as it is read, never holding more than a piece of it; `bytes` is how long it will be. */
export function writeExportFile(contents: ExportContents): { content: Readable; bytes: number } {
  const { name, version, sha256, archive, config } = contents;
  const mtime = new Date(contents.exportedAt);
  const zip = new ZipFile();
  const content = new PassThrough();
  // The library itself knows neither of a source that breaks nor of a reader who has gone.
  zip.once("error", (error: Error) => content.destroy(error));
  archive.content.once("error", (error) => content.destroy(error));
  pipeline(zip.outputStream, content, () => archive.content.destroy());
  const stored = { compress: false, mtime };
  const note: ExportNote = { format: 1, name, version, sha256, exportedAt: mtime.toISOString() };
  for (const [entry, document] of [
    [NOTE, note],
    [CONFIG, config],
  ] as const) {
    zip.addBuffer(Buffer.from(`${JSON.stringify(document, null, 2)}\n`), entry, stored);
  }
  zip.addReadStream(archive.content, ARCHIVE, { ...stored, size: archive.bytes });
  let bytes = 0;
  // As nothing is packed it is known at once. The types have missed that this gives a number.
  (zip.end.bind(zip) as unknown as (tell: (total: number) => void) => void)((total) => (bytes = total));
  return { content, bytes };
}

/**
 * Takes an export apart, and copies its archive out to `newUpload()`. When anything is wrong, that file is removed again.
 *
 * @throws AppError `unprocessable` (`bad_export`) for anything that is no whole export
 */
export async function readExportFile(path: string, newUpload: () => string): Promise<Imported> {
  const file = await open(path);
  try {
    const { note, config, archive } = await entriesOf(file);
    const { name, sha256 } = readNote(await readText(file, note));
    const copy = { path: newUpload(), name: `${name}.zip`, sha256, bytes: archive.size };
    const text = await readText(file, config);
    await copyOut(file, archive, copy);
    return { config: text, name, archive: copy };
  } finally {
    await file.close();
  }
}

/** The three entries, where the file holds just these, stored as they are. */
async function entriesOf(file: FileHandle): Promise<Record<"note" | "config" | "archive", ArchiveEntry>> {
  const directory = await readCentralDirectory(file, NAMES.length).catch((error: unknown) => {
    throw error instanceof UnreadableArchive
      ? badExport("It is no zip archive of three files, or not a whole one", error)
      : error;
  });
  const [note, config, archive] = NAMES.map((name) => directory.entries.find((entry) => entry.name === name));
  if (!note || !config || !archive) throw badExport(`It must hold ${NAMES.join(", ")} and nothing else`);
  const packed = [note, config, archive].find((entry) => entry.method !== METHOD_STORED || entry.flags & 1);
  if (packed) throw badExport(`Its ${packed.name} is packed or encrypted, as no export has it`);
  const outside = [note, config, archive].find((entry) => entry.localOffset + entry.size > directory.directoryOffset);
  if (outside) throw damaged(outside);
  return { note, config, archive };
}

/** Where an entry's data begins, if its own header agrees with the list of entries. */
async function dataOffset(file: FileHandle, entry: ArchiveEntry): Promise<number> {
  const header = await readExactly(file, entry.localOffset, LOCAL_HEADER_BYTES).catch((cause: unknown) => {
    throw damaged(entry, cause);
  });
  const isHeader = header.readUInt32LE(0) === LOCAL_HEADER_SIGNATURE && entry.compressedSize === entry.size;
  if (!isHeader) throw damaged(entry);
  return entry.localOffset + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function readText(file: FileHandle, entry: ArchiveEntry): Promise<string> {
  if (entry.size > MAX_TEXT_BYTES) throw badExport(`Its ${entry.name} is larger than 1 MiB`);
  try {
    const bytes = await readExactly(file, await dataOffset(file, entry), entry.size);
    if (crc32(bytes) === entry.crc32) return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw damaged(entry, cause);
  }
  throw damaged(entry);
}

function readNote(text: string): ExportNote {
  const note = exportNoteSchema.safeParse(parseJson(text));
  if (note.success) return note.data;
  throw badExport(`Its ${NOTE} is not of the form that this service knows; a newer one may have written it`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function copyOut(file: FileHandle, entry: ArchiveEntry, copy: Imported["archive"]): Promise<void> {
  const hash = createHash("sha256");
  try {
    const start = await dataOffset(file, entry);
    if (entry.size === 0) throw damaged(entry);
    await finished(
      file.createReadStream({ start, end: start + entry.size - 1, autoClose: false }),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(copy.path, { flags: "wx", mode: FILE_MODE }),
    );
    if (hash.digest("hex") !== copy.sha256) throw damaged(entry);
  } catch (error) {
    await rm(copy.path, { force: true });
    throw explainDiskFull(error);
  }
}

function damaged({ name }: ArchiveEntry, cause?: unknown): AppError {
  return badExport(`Its ${name} is damaged, or was changed after the export`, cause);
}

function badExport(why: string, cause?: unknown): AppError {
  const message = `The file is no export of a batch. ${why}. Export the batch again and upload the file as it is.`;
  return new AppError("unprocessable", message, { reason: "bad_export", cause });
}
