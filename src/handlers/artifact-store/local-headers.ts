// Compares the header in front of each entry's data with the central directory: a program that reads the one must not
// see another archive than a program that reads the other.
import { readSync } from "node:fs";
import type { Finding } from "../../models/finding.js";
import type { Archive, ArchiveEntry } from "./central-directory.js";
import { entryError, ZIP_AGAIN } from "./findings.js";

/** What the local headers say. */
export interface LocalHeaders {
  /** Every contradiction. */
  findings: Finding[];
  /** Where the data of each entry begins; to be believed if there is no contradiction. */
  dataOffsets: Map<ArchiveEntry, number>;
}

const SIGNATURE = 0x04034b50;
const HEADER_BYTES = 30;
const SIZES_FOLLOW = 0x0008;
const SEE_ZIP64 = 0xffffffff;
const ENCRYPTED = 0x0001;

/** Reads the headers, and nothing else, of an archive whose entries have kept all archive rules. @param zip open */
export function readLocalHeaders(zip: number, { entries, directoryOffset }: Archive): LocalHeaders {
  const inOrder = [...entries].sort((a, b) => a.localOffset - b.localOffset);
  const dataOffsets = new Map<ArchiveEntry, number>();
  const findings = inOrder.flatMap((entry, index) => {
    const name = Buffer.from(entry.name);
    const header = Buffer.alloc(HEADER_BYTES + name.length);
    readSync(zip, header, 0, header.length, entry.localOffset);
    if (!isSameHeader(header, entry) || !isSameName(header, name)) {
      const message = "The entry is described in two ways that contradict each other.";
      return [entryError("bad_zip", entry.name, message, ZIP_AGAIN)];
    }
    const dataAt = entry.localOffset + header.length + header.readUInt16LE(28);
    dataOffsets.set(entry, dataAt);
    if (dataAt + entry.compressedSize <= (inOrder[index + 1]?.localOffset ?? directoryOffset)) return [];
    const message = "The entry's data overlaps the data of another entry or lies outside of the archive.";
    return [entryError("overlapping_entries", entry.name, message, ZIP_AGAIN)];
  });
  return { findings, dataOffsets };
}

function isSameHeader(header: Buffer, entry: ArchiveEntry): boolean {
  const flags = header.readUInt16LE(6);
  const isSame = (field: number, value: number): boolean => [SEE_ZIP64, value].includes(header.readUInt32LE(field));
  return (
    header.readUInt32LE(0) === SIGNATURE &&
    (flags & ENCRYPTED) === 0 &&
    header.readUInt16LE(8) === entry.method &&
    ((flags & SIZES_FOLLOW) !== 0 ||
      (header.readUInt32LE(14) === entry.crc32 && isSame(18, entry.compressedSize) && isSame(22, entry.size)))
  );
}

function isSameName(header: Buffer, name: Buffer): boolean {
  return header.readUInt16LE(26) === name.length && header.subarray(HEADER_BYTES).equals(name);
}
