// Reads an archive of any size piece by piece: what is in memory does not grow with it.
import { readSync, writeSync } from "node:fs";
import { pipeline } from "node:stream";
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
  const packed = packedPieces(zip, offset, entry.compressedSize);
  const pieces: Iterable<Buffer> | AsyncIterable<Buffer> =
    entry.method === METHOD_STORED
      ? packed
      : // What goes wrong in either is thrown where the pieces are taken.
        pipeline(packed, createInflateRaw({ chunkSize: PIECE_BYTES }), () => undefined);
  let size = 0;
  let sum = 0;
  try {
    for await (const piece of pieces) {
      await giveWay();
      size += piece.length;
      if (size > entry.size) return false;
      sum = crc32(piece, sum);
      writeFully(file, piece);
    }
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
  return size === entry.size && sum === entry.crc32;
}

/** Not a stream of the file: that would close it when it is given up, and the zip is still in use. */
function* packedPieces(zip: number, offset: number, bytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, bytes - at));
    readSync(zip, piece, 0, piece.length, offset + at);
    yield piece;
  }
}

/** Whether it is the archive's fault: zlib's codes begin with Z, those of files and disks with E. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}

function writeFully(file: number, data: Buffer): void {
  for (let written = 0; written < data.length;) written += writeSync(file, data, written);
}
