// Reads one log file: by range and backwards from its end, through one small buffer, and never through a link.
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { AppError } from "../../errors.js";

/** The most that is handed on at once. */
const CHUNK_BYTES = 64 * 1024;
/** Looking for lines reads more at once: a gigabyte without a line feed is passed in half the time of small chunks. */
const TAIL_CHUNK_BYTES = 256 * 1024;

const LINE_FEED = 0x0a;
const FILE_MODE = 0o640;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** A log opened for reading. All of it speaks of the log as it was when opened, even while it grows. */
export interface OpenLog {
  /** Bytes when opened. */
  readonly size: number;
  /** The bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): Readable;
  /** The byte offset where the last `lines` lines begin; an unfinished last line counts as one. */
  tailOffset(lines: number): Promise<number>;
  /** Gives the file back; may be called twice. */
  close(): Promise<void>;
}

/** Opens a log for reading; null if there is none. */
export async function openLog(path: string): Promise<OpenLog | null> {
  const file = await openRegular(path, O_RDONLY);
  if (!file) return null;
  const { handle, size } = file;
  return {
    size,
    read: (start, end) => {
      if (!(isOffset(start) && isOffset(end) && start <= end && end <= size)) {
        throw new RangeError(`bytes ${start} to ${end} are not inside a log of ${size} bytes`);
      }
      return Readable.from(chunksOf(handle, start, end), { objectMode: false, highWaterMark: CHUNK_BYTES });
    },
    tailOffset: (lines) => tailOffset(handle, size, lines),
    close: () => handle.close(),
  };
}

/** A plain file of ours. */
export interface RegularFile {
  handle: FileHandle;
  size: number;
  /** Tells it from any other file, also from one of the same name that takes its place. */
  identity: string;
}

/**
 * Opens what must be a plain file of ours; null if there is nothing. A link, a pipe or a folder put in its place is
 * refused: O_NOFOLLOW for the link, O_NONBLOCK because a pipe without a writer would hold the thread for ever.
 */
export async function openRegular(path: string, flags: number): Promise<RegularFile | null> {
  const handle = await open(path, flags | O_NOFOLLOW | O_NONBLOCK, FILE_MODE).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw hasCode(error, "ELOOP", "ENXIO", "EISDIR") ? notALog(error) : error;
  });
  if (!handle) return null;
  const found = await handle.stat();
  const identity = `${found.dev}-${found.ino}-${found.birthtimeMs}`;
  if (found.isFile()) return { handle, size: found.size, identity };
  await handle.close();
  throw notALog();
}

/** Whether a file operation failed because there is no such file. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, "ENOENT");
}

/** Whether a number can be a place in a file. */
export function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** At most `limit` bytes from `position` on; empty at the end of the file. */
export async function readChunk(handle: FileHandle, position: number, limit = CHUNK_BYTES): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(limit, CHUNK_BYTES));
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
  // A copy of the few bytes there were: a reader who keeps many short chunks must not keep 64 KiB for each.
  return bytesRead === buffer.length ? buffer : Buffer.from(buffer.subarray(0, bytesRead));
}

async function* chunksOf(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer, void> {
  for (let position = start; position < end;) {
    const chunk = await readChunk(handle, position, end - position);
    // The length was promised to somebody already: better a broken download than a short one that looks whole.
    if (chunk.length === 0) throw new AppError("internal", "The log became shorter while it was read.");
    position += chunk.length;
    yield chunk;
  }
}

async function tailOffset(handle: FileHandle, size: number, lines: number): Promise<number> {
  if (!isOffset(lines)) throw new RangeError(`${lines} is not a number of lines`);
  if (lines === 0) return size;
  const buffer = Buffer.allocUnsafe(TAIL_CHUNK_BYTES);
  let left = lines;
  // The very last byte cannot begin a line after it, whether it is a line feed or not.
  for (let end = size - 1; end > 0;) {
    const start = Math.max(0, end - TAIL_CHUNK_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    let before = buffer.subarray(0, bytesRead);
    for (let at; (at = before.lastIndexOf(LINE_FEED)) >= 0; before = before.subarray(0, at)) {
      left -= 1;
      if (left === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

function notALog(cause?: unknown): AppError {
  const message =
    "This log is not shown: on the server, something else than a plain file stands in its place. Remove it there.";
  return new AppError("internal", message, { reason: "log_not_a_file", cause });
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
