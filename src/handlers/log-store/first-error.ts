// Finds the first line of one log that looks like an error, in one pass and without taking every line apart.
import { setImmediate } from "node:timers/promises";
import { ERROR_WORDS, errorPatternOf } from "../../models/error-line.js";
import type { LineLog } from "./line-log.js";

/** A line that looks like an error. */
export interface ErrorLine {
  /** Where the line begins. */
  offset: number;
  /** The name of the pattern by which it does. */
  pattern: string;
}

/** A line is judged by so many of its first bytes. */
const JUDGED_BYTES = 4096;
/** So much is looked through in one step. */
const STEP_BYTES = 32 * 1024;
/** Where many lines have words of error and are none, a step takes milliseconds: then others have their turn. */
const JUDGED_AT_ONCE = 1000;

/** The first one from the start of the log on; null if there is none. */
export async function firstError(log: LineLog): Promise<ErrorLine | null> {
  const scan = new ErrorScan();
  for (let number = 0; number < log.blockCount; number += 1) {
    const block = await log.block(number, true);
    for (let at = 0; at < block.length; at += STEP_BYTES) {
      // One character for each byte: all words that are looked for are ASCII.
      const found = scan.take(block.toString("latin1", at, at + STEP_BYTES));
      if (found) return found;
      if (scan.judged < JUDGED_AT_ONCE) continue;
      scan.judged = 0;
      await setImmediate();
    }
  }
  return scan.end();
}

class ErrorScan {
  /** Lines that were looked at one by one. */
  judged = 0;
  /** What the blocks before have of the line that is not over yet, as far as it is judged. */
  private begun = "";
  private lineStart = 0;
  private base = 0;

  take(block: string): ErrorLine | null {
    const lastFeed = block.lastIndexOf("\n");
    const firstFeed = lastFeed < 0 ? -1 : block.indexOf("\n");
    this.begin(firstFeed < 0 ? block : block.slice(0, firstFeed));
    if (firstFeed >= 0) {
      const found = this.end() ?? this.among(block.slice(0, lastFeed), firstFeed + 1);
      if (found) return found;
      this.begun = "";
      this.lineStart = this.base + lastFeed + 1;
      this.begin(block.slice(lastFeed + 1));
    }
    this.base += block.length;
    return null;
  }

  /** Judges the line that is not over; to be called at the end of the log. */
  end(): ErrorLine | null {
    const pattern = errorPatternOf(this.begun);
    return pattern === null ? null : { offset: this.lineStart, pattern };
  }

  private begin(text: string): void {
    this.begun += text.slice(0, JUDGED_BYTES - this.begun.length);
  }

  /** Looks at whole lines, of which the first begins at `from`. */
  private among(lines: string, from: number): ErrorLine | null {
    const words = new RegExp(ERROR_WORDS);
    for (words.lastIndex = from; words.test(lines);) {
      const start = lines.lastIndexOf("\n", words.lastIndex - 1) + 1;
      const feed = lines.indexOf("\n", words.lastIndex);
      const end = feed < 0 ? lines.length : feed;
      this.judged += 1;
      const pattern = errorPatternOf(lines.slice(start, Math.min(end, start + JUDGED_BYTES)));
      if (pattern !== null) return { offset: this.base + start, pattern };
      words.lastIndex = end + 1;
    }
    return null;
  }
}
