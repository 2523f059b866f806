// Our own reader of a zip's central directory: what the archive claims to hold, known before any library opens it.
import type { FileHandle } from "node:fs/promises";
import { readEndRecord, readExactly, type EndRecord } from "./end-record.js";
import { aboutArchive, brokenZip, UnreadableArchive } from "./findings.js";

/** One entry as the central directory describes it; nothing here has been checked against the data. Sizes in bytes. */
export interface ArchiveEntry {
  /** The name read as UTF-8; bytes that are no UTF-8 became U+FFFD, so without that character it is exact. */
  name: string;
  flags: number;
  method: number;
  crc32: number;
  compressedSize: number;
  size: number;
  localOffset: number;
  /** Unix type and permission bits, 0 where the archive was made without them. */
  mode: number;
}

/** An archive as it describes itself; sizes and offsets in bytes. */
export interface Archive {
  entries: ArchiveEntry[];
  archiveBytes: number;
  directoryOffset: number;
}

const RECORD_SIGNATURE = 0x02014b50;
const RECORD_BYTES = 46;
/** What every part of a zip begins with. Programs that search for it may find it in a comment. */
const SIGNATURE = /PK[\x01-\x08]{2}/;
const ZIP64_FIELD = 0x0001;
const SEE_ZIP64 = 0xffffffff;

/** Room for the longest name we take, its extra fields and a comment; it bounds the memory that a directory may ask for. */
const MAX_BYTES_PER_ENTRY = 2048;

/** Whether an entry is a folder: by its name, as every zip program has it. */
export function isFolder(entry: Pick<ArchiveEntry, "name">): boolean {
  return entry.name.endsWith("/");
}

/**
 * Reads what `file` claims to hold. Memory stays under 2 kB for each allowed entry.
 *
 * @throws UnreadableArchive for no zip, broken or contradictory records, more than `maxEntries` entries
 */
export async function readCentralDirectory(file: FileHandle, maxEntries: number): Promise<Archive> {
  const { size: archiveBytes } = await file.stat();
  const end = await readEndRecord(file, archiveBytes);
  if (end.entryCount > maxEntries || end.directoryBytes > maxEntries * MAX_BYTES_PER_ENTRY) {
    const message = `The archive has ${end.entryCount} entries; at most ${maxEntries} with names of sensible length are taken.`;
    const fix = "Leave out what the batch does not need.";
    throw new UnreadableArchive(aboutArchive("too_many_entries", message, fix));
  }
  const directory = await readExactly(file, end.directoryOffset, end.directoryBytes);
  return { entries: parseDirectory(directory, end), archiveBytes, directoryOffset: end.directoryOffset };
}

/** Never more entries than were claimed: what the records really are must not decide how much memory they take. */
function parseDirectory(directory: Buffer, { entryCount }: EndRecord): ArchiveEntry[] {
  const entries: ArchiveEntry[] = [];
  let at = 0;
  while (entries.length < entryCount) {
    const record = recordAt(directory, at);
    entries.push(parseRecord(record));
    at += record.length;
  }
  if (at < directory.length)
    throw brokenZip(`The zip archive lists more than the ${entryCount} entries it says it has.`);
  return entries;
}

function recordAt(directory: Buffer, at: number): Buffer {
  const isRecord = at + RECORD_BYTES <= directory.length && directory.readUInt32LE(at) === RECORD_SIGNATURE;
  if (!isRecord) throw brokenZip("The zip archive has a list of entries that cannot be read.");
  const length = [28, 30, 32].reduce((sum, field) => sum + directory.readUInt16LE(at + field), RECORD_BYTES);
  if (at + length > directory.length) throw brokenZip("The zip archive has a list of entries that is cut off.");
  return directory.subarray(at, at + length);
}

function parseRecord(record: Buffer): ArchiveEntry {
  const extraAt = RECORD_BYTES + record.readUInt16LE(28);
  const commentAt = extraAt + record.readUInt16LE(30);
  if (SIGNATURE.test(record.toString("latin1", commentAt))) {
    throw brokenZip("The zip archive has a comment in which other programs could see another archive.");
  }
  const long = zip64Numbers(record.subarray(extraAt, commentAt));
  const number = (field: number): number => {
    const short = record.readUInt32LE(field);
    return short === SEE_ZIP64 ? (long.shift() ?? SEE_ZIP64) : short;
  };
  // In this order: the zip64 field holds only those of the three that did not fit, size first, offset last.
  const size = number(24);
  const compressedSize = number(20);
  const localOffset = number(42);
  return {
    name: record.toString("utf8", RECORD_BYTES, extraAt),
    flags: record.readUInt16LE(8),
    method: record.readUInt16LE(10),
    crc32: record.readUInt32LE(16),
    compressedSize,
    size,
    localOffset,
    mode: record.readUInt16LE(40),
  };
}

/** The 64-bit numbers of the zip64 extra field, none where the entry has no such field. */
function zip64Numbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length;) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (end > extra.length) throw brokenZip("The zip archive has an entry with a broken extra field.");
    if (extra.readUInt16LE(at) === ZIP64_FIELD) return numbersIn(extra.subarray(at + 4, end));
    at = end;
  }
  return [];
}

function numbersIn(field: Buffer): number[] {
  const count = Math.min(3, Math.floor(field.length / 8));
  return Array.from({ length: count }, (_, index) => Number(field.readBigUInt64LE(index * 8)));
}
