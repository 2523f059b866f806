// Finds a text in one log, whatever its size, in one pass: counts all lines that have it, and tells where some of them are.
import { LINE_FEED } from "./line-index.js";
import type { LineLog } from "./line-log.js";
import { foldWords, type Needle } from "./needle.js";

/** What to look for, and how much to tell. */
export interface Search {
  needle: Needle;
  /** Where to begin: at the start of a line. */
  start: number;
  /** So many matching lines are counted and not told. */
  skip: number;
  /** How many matching lines are told at most. */
  hits: number;
  /** True: what follows those that are told is counted too. */
  countAll: boolean;
}

/** A line that matches. */
export interface Hit {
  /** Where the line begins. */
  offset: number;
  /** Where the first match in it begins. */
  match: number;
}

/** What was found. */
export interface Found {
  hits: Hit[];
  /** Lines with a match. */
  matchingLines: number;
  /** Matches in them, none of which begins inside another. */
  matches: number;
}

/** Looks through the log up to its end, or to the last line that is to be told. */
export async function searchLog(log: LineLog, search: Search): Promise<Found> {
  const scan = new Scan(search, Math.min(log.blockBytes, log.size));
  const first = Math.floor(search.start / log.blockBytes);
  for (let number = first; number < log.blockCount && !scan.isDone; number += 1) {
    const block = await log.block(number, true);
    scan.take(number === first ? block.subarray(search.start % log.blockBytes) : block);
  }
  return scan.found;
}

/** Between matches; a match is then the first of its line. */
const ENDED = -1;
/** The line of the last match goes on in the next block. */
const OPEN = Infinity;

class Scan {
  readonly found: Found = { hits: [], matchingLines: 0, matches: 0 };
  /** The end of the block before, where a match may have begun, and the present block behind it. */
  private readonly scratch: Buffer;
  private readonly words: Int32Array;
  private held = 0;
  /** Of the first byte in `scratch`. */
  private base: number;
  /** The last match ended here. */
  private from: number;
  /** Where the last line begins that begins before `base`. */
  private lineStart: number;
  /** The line feed of the line that matched last. */
  private lineEnd = ENDED;
  /** Looking for one byte as a number is four times faster than as a buffer. */
  private readonly sought: Buffer | number;
  private readonly length: number;

  constructor(
    private readonly search: Search,
    blockBytes: number,
  ) {
    const { bytes } = search.needle;
    this.length = bytes.length;
    this.sought = bytes.length === 1 ? (bytes[0] ?? 0) : bytes;
    this.words = new Int32Array(Math.ceil((blockBytes + bytes.length) / 4));
    this.scratch = Buffer.from(this.words.buffer);
    this.base = this.from = this.lineStart = search.start;
  }

  get isDone(): boolean {
    return !this.search.countAll && this.isFull;
  }

  private get isFull(): boolean {
    return this.found.hits.length >= this.search.hits;
  }

  /** Looks through the next bytes of the log: what a match across the border needs is kept of those before. */
  take(block: Buffer): void {
    const length = this.held + block.length;
    this.scratch.set(block, this.held);
    const bytes = this.scratch.subarray(0, length);
    if (this.search.needle.ignoreCase) foldWords(this.words.subarray(0, Math.ceil(length / 4)));
    const from = Math.max(0, this.from - this.base);
    if (this.lineEnd === OPEN) this.lineEnd = this.endOfLine(bytes, from);
    for (let at = bytes.indexOf(this.sought, from); at >= 0 && !this.isDone;) {
      this.matched(bytes, at);
      at = bytes.indexOf(this.sought, at + this.length);
    }
    const lastFeed = this.isFull ? -1 : bytes.lastIndexOf(LINE_FEED);
    if (lastFeed >= 0) this.lineStart = this.base + lastFeed + 1;
    this.held = Math.min(this.length - 1, length);
    this.scratch.copyWithin(0, length - this.held, length);
    this.base += length - this.held;
  }

  private matched(bytes: Buffer, at: number): void {
    const match = this.base + at;
    this.found.matches += 1;
    this.from = match + this.length;
    if (match < this.lineEnd) return;
    this.found.matchingLines += 1;
    this.lineEnd = this.endOfLine(bytes, at + this.length);
    if (this.isFull || this.found.matchingLines <= this.search.skip) return;
    const feed = at === 0 ? -1 : bytes.lastIndexOf(LINE_FEED, at - 1);
    this.found.hits.push({ offset: feed < 0 ? this.lineStart : this.base + feed + 1, match });
  }

  private endOfLine(bytes: Buffer, from: number): number {
    const feed = bytes.indexOf(LINE_FEED, from);
    return feed < 0 ? OPEN : this.base + feed;
  }
}
