// One log opened to be read by lines: where a line begins, which line a byte is in, and portions of lines with their text.
import type { FileHandle } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { countLineFeeds, LINE_FEED, type LineIndex } from "./line-index.js";
import { LogBlocks } from "./log-blocks.js";

/** A line of a log, or as much of it as was wanted. */
export interface LogLine {
  /** From 1. */
  line: number;
  /** Where it begins. */
  offset: number;
  /** Its length without its line end, LF or CRLF. */
  bytes: number;
  text: string;
  /** True if `text` is not all of it. */
  cut: boolean;
  /** Where its line feed stands; the size of the log if it has none. */
  end: number;
}

/** How much to read at most. */
export interface Portion {
  lines: number;
  /** Of one line. */
  lineBytes: number;
  /** Of all lines together; the line that goes beyond it is the last. */
  totalBytes: number;
}

const CARRIAGE_RETURN = 0x0d;
/** Taking so many lines out of a block that is at hand takes some two milliseconds: then others have their turn. */
const LINES_AT_ONCE = 250;

/** Speaks of the log as it was when opened. Reads through two blocks of memory, whatever the size of log and lines. */
export class LineLog {
  readonly #blocks: LogBlocks;
  readonly #wholeBlocks: number;

  constructor(
    private readonly handle: FileHandle | null,
    readonly size: number,
    private readonly index: LineIndex,
    readonly blockBytes: number,
    signal: AbortSignal,
  ) {
    this.#blocks = new LogBlocks(handle, size, blockBytes, signal);
    this.#wholeBlocks = Math.floor(size / blockBytes);
  }

  get blockCount(): number {
    return this.#blocks.count;
  }

  /** Gives the file back. */
  async close(): Promise<void> {
    await this.handle?.close();
  }

  /** A block, valid until the next call of anything here. @param ahead true: the next one is read meanwhile */
  async block(number: number, ahead = false): Promise<Buffer> {
    const bytes = await this.#blocks.at(number, ahead);
    if (number < this.#wholeBlocks) this.index.learn(number, bytes);
    return bytes;
  }

  /** Whether counting the lines costs no more than reading one block. */
  get isCounted(): boolean {
    return this.index.known >= this.#wholeBlocks;
  }

  /** How many lines there are; an unfinished last one counts. */
  async lineCount(): Promise<number> {
    if (this.size === 0) return 0;
    await this.#learn(() => true);
    const last = await this.block(this.blockCount - 1);
    const rest = this.blockCount > this.#wholeBlocks ? countLineFeeds(last) : 0;
    return this.index.before(this.#wholeBlocks) + rest + (last.at(-1) === LINE_FEED ? 0 : 1);
  }

  /** The line that a byte is in, from 1. */
  async lineAt(offset: number): Promise<number> {
    const number = Math.floor(offset / this.blockBytes);
    await this.#learn(() => this.index.known < number);
    const block = await this.block(number);
    return 1 + this.index.before(number) + countLineFeeds(block.subarray(0, offset % this.blockBytes));
  }

  /** Where a line begins; null if there are fewer. */
  async startOf(line: number): Promise<number | null> {
    if (line === 1) return this.size > 0 ? 0 : null;
    const feeds = line - 1;
    await this.#learn(() => this.index.before(this.index.known) < feeds);
    const isKnown = this.index.before(this.index.known) >= feeds;
    const number = isKnown ? this.index.blockOf(feeds) : this.#wholeBlocks;
    if (number >= this.blockCount) return null;
    const block = await this.block(number);
    const at = nthLineFeed(block, feeds - this.index.before(number));
    const start = number * this.blockBytes + at + 1;
    return at < 0 || start >= this.size ? null : start;
  }

  /** Where the next line feed at or after a byte stands; the size of the log if there is none. */
  async lineFeedFrom(offset: number): Promise<number> {
    let from = offset % this.blockBytes;
    for (let number = Math.floor(offset / this.blockBytes); number < this.blockCount; from = 0) {
      const at = (await this.block(number, from === 0)).indexOf(LINE_FEED, from);
      if (at >= 0) return number * this.blockBytes + at;
      number = this.index.nextWithLineFeed(number + 1);
    }
    return this.size;
  }

  /** A copy of the bytes from `start` up to, not including, `end`: for small pieces. */
  async bytes(start: number, end: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let at = start; at < end; at += parts.at(-1)?.length ?? 0) {
      const first = Math.floor(at / this.blockBytes) * this.blockBytes;
      const block = await this.block(first / this.blockBytes);
      parts.push(Buffer.from(block.subarray(at - first, end - first)));
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  /** Consecutive lines, from number `first` on; empty if there are fewer. */
  async lines(first: number, { lines, lineBytes, totalBytes }: Portion): Promise<LogLine[]> {
    const read: LogLine[] = [];
    let offset = await this.startOf(first);
    for (let left = totalBytes; offset !== null && offset < this.size && read.length < lines && left > 0;) {
      const line = await this.#line(first + read.length, offset, lineBytes);
      read.push(line);
      left -= Math.min(line.bytes, lineBytes);
      offset = line.end + 1;
      if (read.length % LINES_AT_ONCE === 0) await setImmediate();
    }
    return read;
  }

  async #line(line: number, offset: number, lineBytes: number): Promise<LogLine> {
    const { end, bytes } = await this.extentOf(offset);
    const cut = bytes > lineBytes;
    const text = textOf(await this.bytes(offset, offset + Math.min(bytes, lineBytes)), { cut });
    return { line, offset, bytes, text, cut, end };
  }

  /** Where the line that begins at `offset` ends, and its length without its line end. */
  async extentOf(offset: number): Promise<{ end: number; bytes: number }> {
    const end = await this.lineFeedFrom(offset);
    const isReturn = end < this.size && end > offset && (await this.bytes(end - 1, end))[0] === CARRIAGE_RETURN;
    return { end, bytes: end - offset - (isReturn ? 1 : 0) };
  }

  /** Reads on where the index ends, as long as `isMissing` says so. */
  async #learn(isMissing: () => boolean): Promise<void> {
    while (this.index.known < this.#wholeBlocks && isMissing()) await this.block(this.index.known, true);
  }
}

/** Bytes as text; what is no UTF-8 shows as U+FFFD. @param cut true: part of a character at the end is left out */
export function textOf(bytes: Buffer, { cut }: { cut: boolean }): string {
  return cut ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true }) : bytes.toString();
}

function nthLineFeed(bytes: Buffer, n: number): number {
  let at = -1;
  for (let left = n; left > 0; left -= 1) {
    at = bytes.indexOf(LINE_FEED, at + 1);
    if (at < 0) return -1;
  }
  return at;
}
