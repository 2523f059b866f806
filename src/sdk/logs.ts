// The calls of the client that look things up in logs.
import type { BatchLogSearchView, FirstErrorView, LogLinesView, LogSearchView } from "../models/log-reading.js";
import type { Connection, Query } from "./connection.js";

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
export type LogCalls = ReturnType<typeof logCalls>;

/** The calls over a connection. */
export function logCalls(connection: Connection) {
  const get = <T>(path: string, { ignoreCase, total, ...query }: Asked): Promise<T> =>
    connection.send("GET", path, undefined, { query: { ...query, ignoreCase: bit(ignoreCase), total: bit(total) } });
  return {
    /** The lines of a log that have a text, and how many there are. */
    search: (id: number, q: string, options: LogSearchOptions = {}): Promise<LogSearchView> =>
      get(`/executions/${id}/log/search`, { q, ...options }),
    /** Lines of a log by their numbers. */
    lines: (id: number, options: LogLinesOptions = {}): Promise<LogLinesView> =>
      get(`/executions/${id}/log/lines`, { ...options }),
    /** The first line that looks like an error. */
    firstError: (id: number, { attempt }: { attempt?: number } = {}): Promise<FirstErrorView> =>
      get(`/executions/${id}/log/first-error`, { attempt }),
    /** The executions of a batch (id or name) whose logs have a text, newest first. */
    searchBatch: (
      batch: string | number,
      q: string,
      options: BatchLogSearchOptions = {},
    ): Promise<BatchLogSearchView> => get(`/batches/${encodeURIComponent(batch)}/log/search`, { q, ...options }),
  };
}

type Asked = Query & { ignoreCase?: boolean; total?: boolean };

/** The service takes 0 and 1. */
function bit(flag: boolean | undefined): number | undefined {
  return flag === undefined ? undefined : Number(flag);
}
