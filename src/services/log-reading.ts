// What is looked up in the log of one execution, for whoever asks: matching lines, lines by number, the first error.
import { createHash } from "node:crypto";
import { AppError } from "../errors.js";
import type { LineLog, LogRef, LogStore, LogStream } from "../handlers/log-store.js";
import { firstError, type ErrorLine } from "../handlers/log-store/first-error.js";
import type { LogLine } from "../handlers/log-store/line-log.js";
import { matchOf, type LogMatch } from "../handlers/log-store/log-match.js";
import { needleOf } from "../handlers/log-store/needle.js";
import { searchLog } from "../handlers/log-store/search-log.js";
import { Turns } from "../handlers/turns.js";
import type { FirstErrorQuery, LogLinesQuery, LogSearchQuery, SearchPlace } from "../models/log-reading.js";
import { Breather } from "./breather.js";
import type { ExecutionService } from "./execution-service.js";

interface Collaborators {
  logs: LogStore;
  executions: ExecutionService;
}

/** What was looked at: which log, and how many bytes it had. */
export interface LookedAt {
  ref: LogRef;
  bytes: number;
}

/** A part of what a search finds, and how much that is in all. */
export interface LogSearch extends LookedAt {
  matchingLines: number;
  matches: number;
  /** So many matching lines come before the first of `items`. */
  before: number;
  items: LogMatch[];
  next: SearchPlace | null;
}

/** A portion of a log's lines; `lines` is how many there are, null if they were not counted. */
export interface LogLines extends LookedAt {
  lines: number | null;
  items: LogLine[];
}

/** The first line that looks like an error, if there is any. */
export interface FirstError {
  ref: LogRef;
  found: (ErrorLine & LogLine & { stream: LogStream }) | null;
}

/** At once in this process; each keeps a processor busy while it reads, in steps of less than a millisecond. */
const SEARCHES = 2;
const READINGS = 4;
const MOST_WAITING = 20;

/** Text in one answer; the line that goes beyond it is the last. */
const ANSWER_BYTES = 1024 ** 2;
const LINE_BYTES = 4096;

/** Whatever is asked takes two blocks of a log and one answer in memory, however large the log is. */
export class LogReading {
  private readonly searches = new Turns(SEARCHES, MOST_WAITING);
  private readonly readings = new Turns(READINGS, MOST_WAITING);

  constructor(private readonly with_: Collaborators) {}

  /**
   * The lines that have a text, in order, and how many there are in all: at the first call by reading the whole log, then
   * from where the cursor points.
   *
   * @param gone aborted when whoever asked has gone: the search ends
   */
  async search(id: number, query: LogSearchQuery, gone: AbortSignal): Promise<LogSearch> {
    const ref = await this.with_.executions.logRef(id, query);
    const mark = markOf(ref, query);
    const { cursor } = query;
    if (cursor && cursor.search !== mark) refuseCursor("it belongs to another search");
    return this.inTurn(gone, () =>
      this.reading(ref, gone, async (log) => ({ ref, ...(await searchIn(log, query, mark)) }), cursor?.bytes),
    );
  }

  /** Lines by their numbers. To find one far down for the first time, the log is read up to it. */
  async lines(id: number, query: LogLinesQuery, gone: AbortSignal): Promise<LogLines> {
    const ref = await this.with_.executions.logRef(id, query);
    const work = async (log: LineLog): Promise<LogLines> => {
      const lines = query.total || query.from < 0 || log.isCounted ? await log.lineCount() : null;
      const first = query.from > 0 ? query.from : Math.max(1, (lines ?? 0) + 1 + query.from);
      const portion = { lines: query.count, lineBytes: LINE_BYTES, totalBytes: ANSWER_BYTES };
      return { ref, bytes: log.size, lines, items: await log.lines(first, portion) };
    };
    return this.readings.take(() => this.reading(ref, gone, work), gone);
  }

  /** The first line that looks like an error: of the error log, where scripts complain, else of the log. */
  async firstError(id: number, { attempt }: FirstErrorQuery, gone: AbortSignal): Promise<FirstError> {
    const ref = await this.with_.executions.logRef(id, { stream: "log", attempt });
    return this.inTurn(gone, async () => {
      for (const stream of ["error_log", "log"] as const) {
        const found = await this.reading({ ...ref, stream }, gone, errorIn);
        if (found) return { ref, found: { ...found, stream } };
      }
      return { ref, found: null };
    });
  }

  /** Does `work` when it is its turn among those who look through whole logs. */
  inTurn<T>(gone: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.searches.take(work, gone);
  }

  /** Opens a log for `work`, as it was when it had `most` bytes, and closes it whatever becomes of that. */
  async reading<T>(ref: LogRef, gone: AbortSignal, work: (log: LineLog) => Promise<T>, most?: number): Promise<T> {
    const log = await this.with_.logs.openLines(ref, gone, most);
    try {
      return await work(log);
    } finally {
      await log.close();
    }
  }
}

async function searchIn(
  log: LineLog,
  { q, ignoreCase, context, limit, from = 1, cursor }: LogSearchQuery,
  mark: string,
): Promise<Omit<LogSearch, "ref">> {
  if (cursor && cursor.bytes > log.size) refuseCursor("the log has become shorter since");
  const needle = needleOf(q, ignoreCase);
  const way = cursor
    ? { start: cursor.offset, skip: 0, countAll: false }
    : { start: 0, skip: from - 1, countAll: true };
  // One more than is shown: there the next answer begins.
  const found = await searchLog(log, { needle, hits: limit + 1, ...way });
  const items: LogMatch[] = [];
  const breather = new Breather();
  for (const hit of found.hits.slice(0, limit)) {
    if (textIn(items) >= ANSWER_BYTES) break;
    items.push(await matchOf(log, hit, needle, context));
    await breather.rest();
  }
  const { matchingLines, matches } = cursor ?? found;
  const before = cursor?.before ?? from - 1;
  const told = { bytes: log.size, matchingLines, matches };
  const following = found.hits[items.length];
  const place = { ...told, before: before + items.length, search: mark };
  return { ...told, before, items, next: following ? { ...place, offset: following.offset } : null };
}

function textIn(matches: LogMatch[]): number {
  const lines = matches.flatMap((match) => [match, ...match.before, ...match.after]);
  return lines.reduce((sum, { text }) => sum + text.length, 0);
}

async function errorIn(log: LineLog): Promise<(ErrorLine & LogLine) | null> {
  const error = await firstError(log);
  if (!error) return null;
  const portion = { lines: 1, lineBytes: LINE_BYTES, totalBytes: LINE_BYTES };
  const [line] = await log.lines(await log.lineAt(error.offset), portion);
  return line ? { ...error, ...line } : null;
}

/** Tells a search from any other: what its cursors are held against. */
function markOf({ executionId, attempt, stream }: LogRef, { q, ignoreCase }: LogSearchQuery): string {
  const content = JSON.stringify([executionId, attempt, stream, q, ignoreCase]);
  return createHash("sha256").update(content).digest("hex").slice(0, 8);
}

function refuseCursor(why: string): never {
  const message = `The cursor cannot be used: ${why}. Search again without it.`;
  const errors = [{ pointer: "query/cursor", message: "must be the `next` of an answer to this search, unchanged" }];
  throw new AppError("invalid", message, { reason: "invalid_request", errors });
}
