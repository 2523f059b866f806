// Looks for a text in the logs of a batch's executions, newest first, as many for each answer as it has time for.
import type { Database } from "../database/database.js";
import { AppError } from "../errors.js";
import type { LogRef, LogStore } from "../handlers/log-store.js";
import { matchOf, type LogMatch } from "../handlers/log-store/log-match.js";
import { needleOf } from "../handlers/log-store/needle.js";
import { searchLog } from "../handlers/log-store/search-log.js";
import type { Execution } from "../entities/execution.js";
import type { BatchSearchQuery } from "../models/log-reading.js";
import type { ExecutionService } from "./execution-service.js";
import type { LogReading, LookedAt } from "./log-reading.js";
import { namedBatch } from "./named-batch.js";

interface Collaborators {
  database: Database;
  logs: LogStore;
  executions: ExecutionService;
  reading: LogReading;
}

/** What one execution's log has of it. */
export interface ExecutionMatches extends LookedAt {
  execution: Execution;
  matchingLines: number;
  matches: number;
  items: LogMatch[];
  /** Why its log cannot be read; null if it can. */
  problem: string | null;
}

/** What was found in the executions that were looked through. */
export interface BatchLogSearch {
  searched: { executions: number; bytes: number };
  items: ExecutionMatches[];
  /** The last execution that was looked through, if there are older ones. */
  last: number | null;
}

/** Bytes that are read for one answer; the first log is read whole however large it is. */
const ANSWER_READS_BYTES = 256 * 1024 ** 2;

export class BatchLogSearching {
  constructor(private readonly with_: Collaborators) {}

  /** Executions of the batch whose log has the text: of each its last attempt. @param gone ends the search */
  async search(reference: string, query: BatchSearchQuery, gone: AbortSignal): Promise<BatchLogSearch> {
    const { database, executions, reading } = this.with_;
    const { limit, cursor } = query;
    const rows = (await executions.list({ test: "all", batch: reference, limit, cursor })).map(
      ({ execution }) => execution,
    );
    // A deleted batch is found by its executions.
    if (rows.length === 0) await database.read((manager) => namedBatch(manager, reference));
    return reading.inTurn(gone, () => this.lookThrough(rows, query, gone));
  }

  private async lookThrough(rows: Execution[], query: BatchSearchQuery, gone: AbortSignal): Promise<BatchLogSearch> {
    const searched = { executions: 0, bytes: 0 };
    const items: ExecutionMatches[] = [];
    for (const execution of rows.slice(0, query.limit)) {
      const ref = { executionId: execution.id, attempt: execution.attempt, stream: query.stream };
      const size = (execution.attempt > 0 && this.with_.logs.size(ref)) || 0;
      if (searched.bytes > 0 && searched.bytes + size > ANSWER_READS_BYTES) break;
      const found = execution.attempt > 0 ? await this.lookInto(execution, ref, query, gone) : null;
      searched.executions += 1;
      searched.bytes += found?.bytes ?? 0;
      if (found && (found.matchingLines > 0 || found.problem !== null)) items.push(found);
    }
    const last = rows.length > searched.executions ? rows[searched.executions - 1] : undefined;
    return { searched, items, last: last?.id ?? null };
  }

  private async lookInto(
    execution: Execution,
    ref: LogRef,
    { q, ignoreCase, lines }: BatchSearchQuery,
    gone: AbortSignal,
  ): Promise<ExecutionMatches> {
    const needle = needleOf(q, ignoreCase);
    try {
      return await this.with_.reading.reading(ref, gone, async (log) => {
        const found = await searchLog(log, { needle, start: 0, skip: 0, hits: lines, countAll: true });
        const items: LogMatch[] = [];
        for (const hit of found.hits) items.push(await matchOf(log, hit, needle, 0));
        return { ...found, execution, ref, bytes: log.size, items, problem: null };
      });
    } catch (error) {
      // One log that somebody has put something else in the place of must not hide those of all the others.
      if (!(error instanceof AppError && error.reason === "log_not_a_file")) throw error;
      return { execution, ref, bytes: 0, matchingLines: 0, matches: 0, items: [], problem: error.message };
    }
  }
}
