// The calls of the client that look things up in logs.
import type { BatchLogSearchView, FirstErrorView, LogLinesView, LogSearchView } from "../models/log-reading.js";
import type { Connection } from "./connection.js";

export type { BatchLogSearchView, FirstErrorView, LogLinesView, LogSearchView } from "../models/log-reading.js";

export interface LogStreamQuery {
  /** log, standard output, if left out. */
  stream?: "log" | "error_log";
}

export interface LogSearchOptions extends LogStreamQuery {
  ignoreCase?: boolean;
  attempt?: number;
  /** So many lines before and after each. */
  context?: number;
  limit?: number;
  /** The matching line to begin with, from 1. */
  from?: number;
  /** The `next` of the answer before. */
  cursor?: string;
}

export interface LogLinesOptions extends LogStreamQuery {
  attempt?: number;
  /** From 1; below 0 it counts from the end. */
  from?: number;
  count?: number;
  /** True: all lines are counted. */
  total?: boolean;
}

export interface BatchLogSearchOptions extends LogStreamQuery {
  ignoreCase?: boolean;
  /** So many matching lines of each execution. */
  lines?: number;
  /** So many executions are looked through. */
  limit?: number;
  cursor?: string;
}

/** Looking things up in logs. */
export class LogCalls {
  constructor(private readonly connection: Connection) {}

  /** The lines of a log that have a text, and how many there are. */
  search = (id: number, q: string, { ignoreCase, ...options }: LogSearchOptions = {}): Promise<LogSearchView> =>
    this.get(`/executions/${id}/log/search`, { q, ...options, ignoreCase: bit(ignoreCase) });

  /** Lines of a log by their numbers. */
  lines = (id: number, { total, ...options }: LogLinesOptions = {}): Promise<LogLinesView> =>
    this.get(`/executions/${id}/log/lines`, { ...options, total: bit(total) });

  /** The first line that looks like an error. */
  firstError = (id: number, { attempt }: { attempt?: number } = {}): Promise<FirstErrorView> =>
    this.get(`/executions/${id}/log/first-error`, { attempt });

  /** The executions of a batch (id or name) whose logs have a text, newest first. */
  searchBatch = (
    batch: string | number,
    q: string,
    { ignoreCase, ...options }: BatchLogSearchOptions = {},
  ): Promise<BatchLogSearchView> =>
    this.get(`/batches/${encodeURIComponent(batch)}/log/search`, { q, ...options, ignoreCase: bit(ignoreCase) });

  private get<T>(path: string, query: Record<string, string | number | undefined>): Promise<T> {
    return this.connection.send("GET", path, undefined, { query });
  }
}

function bit(flag: boolean | undefined): number | undefined {
  return flag === undefined ? undefined : Number(flag);
}
