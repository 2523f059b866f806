// Compares the header in front of each entry's data with the central directory: a program that reads the one must not
// see another archive than a program that reads the other.
import type { Archive, ArchiveEntry } from "./central-directory.js";
import { entryError, ZIP_AGAIN, type Finding } from "./findings.js";

const SIGNATURE = 0x04034b50;
const HEADER_BYTES = 30;
const SIZES_FOLLOW = 0x0008;
const SEE_ZIP64 = 0xffffffff;
const ENCRYPTED = 0x0001;

/** Every contradiction in `bytes`, the whole archive, whose entries have kept all archive rules. */
export function checkLocalHeaders(bytes: Buffer, { entries, directoryOffset }: Archive): Finding[] {
  const inOrder = [...entries].sort((a, b) => a.localOffset - b.localOffset);
  return inOrder.flatMap((entry, index) => {
    const header = bytes.subarray(entry.localOffset, entry.localOffset + HEADER_BYTES);
    const nameBytes = header.readUInt16LE(26);
    const nameAt = entry.localOffset + HEADER_BYTES;
    const dataAt = nameAt + nameBytes + header.readUInt16LE(28);
    const name = bytes.subarray(nameAt, nameAt + nameBytes);
    if (!isSameHeader(header, entry) || !name.equals(Buffer.from(entry.name))) {
      const message = "The entry is described in two ways that contradict each other.";
      return [entryError("bad_zip", entry.name, message, ZIP_AGAIN)];
    }
    if (dataAt + entry.compressedSize <= (inOrder[index + 1]?.localOffset ?? directoryOffset)) return [];
    const message = "The entry's data overlaps the data of another entry or lies outside of the archive.";
    return [entryError("overlapping_entries", entry.name, message, ZIP_AGAIN)];
  });
}

function isSameHeader(header: Buffer, entry: ArchiveEntry): boolean {
  const flags = header.readUInt16LE(6);
  const isSame = (field: number, value: number): boolean => [SEE_ZIP64, value].includes(header.readUInt32LE(field));
  return (
    header.readUInt32LE(0) === SIGNATURE &&
    (flags & ENCRYPTED) === 0 &&
    header.readUInt16LE(8) === entry.method &&
    ((flags & SIZES_FOLLOW) !== 0 || (isSame(18, entry.compressedSize) && isSame(22, entry.size)))
  );
}
