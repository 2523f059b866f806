// Reads an archive of any size piece by piece: what is in memory does not grow with it.
import { createReadStream, readSync, writeSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { setImmediate as giveWay } from "node:timers/promises";
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import type { Archive, ArchiveEntry } from "./central-directory.js";
import type { LocalHeaders } from "./local-headers.js";
import type { EntryWriter } from "./unpack.js";

const METHOD_STORED = 0;

/** Larger pieces cost memory, smaller ones time: each is a trip to another thread, where it is inflated. */
const PIECE_BYTES = 512 * 1024;

/** The way for large archives. It gives way after every piece, but keeps a processor busy. */
export function readByStream(zip: number, _archive: Archive, { dataOffsets }: LocalHeaders): EntryWriter {
  return (entry, file) => {
    const offset = dataOffsets.get(entry);
    if (offset === undefined) return false;
    const isSmall = Math.max(entry.size, entry.compressedSize) <= PIECE_BYTES;
    return isSmall ? writeAtOnce(zip, offset, entry, file) : writeByPieces(zip, offset, entry, file);
  };
}

/** A stream for each of many small files would cost more than their data. */
async function writeAtOnce(zip: number, offset: number, entry: ArchiveEntry, file: number): Promise<boolean> {
  await giveWay();
  const packed = Buffer.allocUnsafe(entry.compressedSize);
  readSync(zip, packed, 0, packed.length, offset);
  const data = entry.method === METHOD_STORED ? packed : inflated(packed, entry.size);
  if (data?.length !== entry.size || crc32(data) !== entry.crc32) return false;
  writeFully(file, data);
  return true;
}

function inflated(packed: Buffer, size: number): Buffer | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    return undefined; // more than promised, or damaged
  }
}

async function writeByPieces(zip: number, offset: number, entry: ArchiveEntry, file: number): Promise<boolean> {
  const range = { start: offset, end: offset + entry.compressedSize - 1 };
  const packed = createReadStream("", { fd: zip, autoClose: false, highWaterMark: PIECE_BYTES, ...range });
  let size = 0;
  let sum = 0;
  const write = async (pieces: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of pieces) {
      size += piece.length;
      if (size > entry.size) throw new TooMuchData();
      sum = crc32(piece, sum);
      writeFully(file, piece);
    }
  };
  try {
    if (entry.method === METHOD_STORED) await pipeline(packed, write);
    else await pipeline(packed, createInflateRaw({ chunkSize: PIECE_BYTES }), write);
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
  return size === entry.size && sum === entry.crc32;
}

class TooMuchData extends Error {}

/** Whether it is the archive's fault: zlib's codes begin with Z, those of files and disks with E. */
function isDamage(error: unknown): boolean {
  return error instanceof TooMuchData || (error instanceof Error && "code" in error && /^Z_/.test(String(error.code)));
}

function writeFully(file: number, data: Buffer): void {
  for (let written = 0; written < data.length;) written += writeSync(file, data, written);
}
