// Finds the end record of a zip (and its zip64 twin): the one place that says where the central directory is.
import type { FileHandle } from "node:fs/promises";
import { aboutArchive, brokenZip, UnreadableArchive } from "./findings.js";

/** Where the central directory lies; all numbers in bytes but `entryCount`. */
export interface EndRecord {
  entryCount: number;
  directoryOffset: number;
  directoryBytes: number;
}

const END_SIGNATURE = Buffer.from("PK\x05\x06", "latin1");
const END64_SIGNATURE = 0x06064b50;
const LOCATOR_SIGNATURE = 0x07064b50;
const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR_BYTES = 20;
const MAX_COMMENT_BYTES = 0xffff;

/** Reads the end record of an archive of `archiveBytes` bytes, or throws what is wrong with it. Reads 66 kB at most. */
export async function readEndRecord(file: FileHandle, archiveBytes: number): Promise<EndRecord> {
  if (archiveBytes < 2 || (await readExactly(file, 0, 2)).toString("latin1") !== "PK") {
    const fix = "Upload a plain .zip file, neither another kind of archive nor a self-extracting one.";
    throw new UnreadableArchive(aboutArchive("not_a_zip", "The uploaded file is not a zip archive.", fix));
  }
  const tailBytes = Math.min(archiveBytes, END64_BYTES + LOCATOR_BYTES + END_BYTES + MAX_COMMENT_BYTES);
  const tailOffset = archiveBytes - tailBytes;
  const tail = await readExactly(file, tailOffset, tailBytes);
  const endAt = findEnd(tail);
  const short = parseEnd(tail.subarray(endAt));
  const long = parseEnd64(tail, endAt, tailOffset);
  const record = long ? merge(short, long) : short;
  const directoryEnd = tailOffset + endAt - (long ? END64_BYTES + LOCATOR_BYTES : 0);
  if (record.directoryOffset + record.directoryBytes !== directoryEnd) {
    throw brokenZip("The zip archive has bytes before, between or behind its parts that do not belong there.");
  }
  return record;
}

/** Reads `length` bytes from `position`; a file that ends before them is cut off. */
export async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) throw brokenZip("The zip archive is cut off.");
    filled += bytesRead;
  }
  return buffer;
}

/** Position in `tail` of the only end record; with two of them, two programs could see two different archives. */
function findEnd(tail: Buffer): number {
  for (let at = tail.indexOf(END_SIGNATURE); at >= 0; at = tail.indexOf(END_SIGNATURE, at + 1)) {
    const fits = at + END_BYTES <= tail.length && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length;
    if (!fits) continue;
    if (tail.includes(END_SIGNATURE, at + 1)) throw brokenZip("The zip archive has two end records.");
    return at;
  }
  throw brokenZip("The zip archive is cut off, or other bytes follow its end.");
}

function parseEnd(end: Buffer): EndRecord {
  const entryCount = end.readUInt16LE(10);
  const isPart = end.readUInt16LE(4) !== end.readUInt16LE(6) || end.readUInt16LE(8) !== entryCount;
  if (isPart) throw brokenZip("The zip archive is one part of an archive that was split into several files.");
  return { entryCount, directoryBytes: end.readUInt32LE(12), directoryOffset: end.readUInt32LE(16) };
}

/** The zip64 record, if there is one: it must stand right before its locator, and that right before the end record. */
function parseEnd64(tail: Buffer, endAt: number, tailOffset: number): EndRecord | undefined {
  const locatorAt = endAt - LOCATOR_BYTES;
  if (locatorAt < 0 || tail.readUInt32LE(locatorAt) !== LOCATOR_SIGNATURE) return undefined;
  const at = locatorAt - END64_BYTES;
  const isSound =
    at >= 0 &&
    tail.readUInt32LE(at) === END64_SIGNATURE &&
    tail.readBigUInt64LE(at + 4) === BigInt(END64_BYTES - 12) &&
    tail.readBigUInt64LE(at + 24) === tail.readBigUInt64LE(at + 32) &&
    tail.readBigUInt64LE(locatorAt + 8) === BigInt(tailOffset + at);
  if (!isSound) throw brokenZip("The zip archive has a zip64 end record that cannot be right.");
  const number = (offset: number): number => Number(tail.readBigUInt64LE(at + offset));
  return { entryCount: number(32), directoryBytes: number(40), directoryOffset: number(48) };
}

/** The long record may only replace numbers that do not fit into the short one; where both speak they must agree. */
function merge(short: EndRecord, long: EndRecord): EndRecord {
  const agrees =
    [0xffff, long.entryCount].includes(short.entryCount) &&
    [0xffffffff, long.directoryBytes].includes(short.directoryBytes) &&
    [0xffffffff, long.directoryOffset].includes(short.directoryOffset);
  if (!agrees) throw brokenZip("The zip archive has two end records that contradict each other.");
  return long;
}
