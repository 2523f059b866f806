// A line that was found, as it is shown: numbered, as an excerpt, with the lines around it.
import { excerptOf, type Excerpt } from "./excerpt.js";
import type { LineLog, LogLine } from "./line-log.js";
import type { Needle } from "./needle.js";
import type { Hit } from "./search-log.js";

/** A line with a match, and its surroundings. */
export interface LogMatch extends Excerpt {
  line: number;
  before: LogLine[];
  after: LogLine[];
}

/** Of each line around a match. */
const CONTEXT_BYTES = 500;

/** What is shown of a line that was found. @param context so many lines before and after it */
export async function matchOf(log: LineLog, hit: Hit, needle: Needle, context: number): Promise<LogMatch> {
  const excerpt = await excerptOf(log, hit, needle);
  const line = await log.lineAt(hit.offset);
  const first = Math.max(1, line - context);
  const portion = { lines: line - first + 1 + context, lineBytes: CONTEXT_BYTES, totalBytes: Infinity };
  const around = context > 0 ? await log.lines(first, portion) : [];
  const [before, after] = [around.slice(0, line - first), around.slice(line - first + 1)];
  return { ...excerpt, line, before, after };
}
