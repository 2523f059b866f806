// The log store: the only room that names files under LOGS_DIR. One file per stream of an attempt.
import { constants, lstatSync, rmSync } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { AppError } from "../errors.js";
import { RecentCache } from "../models/recent-cache.js";
import { followLog, type FollowOptions } from "./log-store/follow-log.js";
import { LineIndex } from "./log-store/line-index.js";
import { LineLog } from "./log-store/line-log.js";
import { LiveLogs, type LiveLog } from "./log-store/live-log.js";
import { openRegular, openLog, type OpenLog } from "./log-store/open-log.js";

export type { FollowOptions } from "./log-store/follow-log.js";
export type { LineLog } from "./log-store/line-log.js";
export type { LiveLog, LogChunk } from "./log-store/live-log.js";
export type { OpenLog } from "./log-store/open-log.js";

/** What was captured: `log` is the script's stdout, `error_log` its stderr. */
export type LogStream = "log" | "error_log";

/** Names one log; `executionId` and `attempt` are whole numbers from 1. */
export interface LogRef {
  executionId: number;
  attempt: number;
  stream: LogStream;
}

/** Folders hold the logs of this many executions, so that none grows too long to list. */
const EXECUTIONS_PER_FOLDER = 1000;
const FOLDER_MODE = 0o750;
/** Logs are read by lines in blocks of this size: with smaller ones, waiting for the disk's thread takes longer than reading. */
const BLOCK_BYTES = 256 * 1024;
/** What is known of their lines is kept for so many logs: 32 KiB for each gigabyte of one. */
const INDEXED_LOGS = 64;
const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, R_OK, W_OK, X_OK } = constants;

/** Knows where logs are, makes room for them, reads, follows and removes them. Scripts' output is written by the runner. */
export class LogStore {
  readonly #folder: string;
  readonly #prepared = new Map<number, Promise<void>>();
  readonly #indexes = new RecentCache<string, LineIndex>(INDEXED_LOGS);
  readonly #blockBytes: number;
  readonly #live = new LiveLogs();

  constructor({ folder, blockBytes = BLOCK_BYTES }: { folder: string; blockBytes?: number }) {
    this.#folder = resolve(folder);
    this.#blockBytes = blockBytes;
  }

  /** Makes the folder of all logs. Throws `unavailable` where the service may not write to it. */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE });
      await access(this.#folder, R_OK | W_OK | X_OK);
    } catch (cause) {
      const message =
        "The log folder cannot be used: make LOGS_DIR a folder that the service may write to, then start again.";
      throw new AppError("unavailable", message, { reason: "log_folder_unusable", cause });
    }
  }

  /** The absolute path of a log, whether it exists or not. Throws `invalid` for anything but positive whole numbers. */
  pathFor({ executionId, attempt, stream }: LogRef): string {
    const suffix = stream === "error_log" ? ".error.log" : ".log";
    return join(this.#shard(executionId), `${executionId}-${positive(attempt, "attempt")}${suffix}`);
  }

  /** Makes the folder that holds an execution's logs; free of cost once it was made. */
  ensureFolder(executionId: number): Promise<void> {
    const key = shardNumber(executionId);
    const known = this.#prepared.get(key);
    if (known) return known;
    const made = this.#makeShard(executionId).catch((error: unknown) => {
      this.#prepared.delete(key);
      throw error;
    });
    this.#prepared.set(key, made);
    return made;
  }

  /** Creates an empty log if there is none; one that is being written stays as it is. */
  async ensureFile(ref: LogRef): Promise<void> {
    const path = this.pathFor(ref);
    await this.ensureFolder(ref.executionId);
    if (await createEmpty(path)) return;
    // Somebody emptied the log folder by hand: what we remember of it is no longer true.
    this.#prepared.delete(shardNumber(ref.executionId));
    await this.ensureFolder(ref.executionId);
    await createEmpty(path);
  }

  /** Bytes in a log at this moment; null if there is none. */
  size(ref: LogRef): number | null {
    const found = lstatSync(this.pathFor(ref), { throwIfNoEntry: false });
    return found?.isFile() ? found.size : null;
  }

  /** Opens a log for reading; null if there is none. The caller closes it. */
  open(ref: LogRef): Promise<OpenLog | null> {
    return openLog(this.pathFor(ref));
  }

  /**
   * Opens a log to be read by lines; where nothing was printed yet it is an empty one. The caller closes it.
   *
   * @param signal aborted when whoever asked has gone: whatever reads then ends with an error for nobody
   * @param most so many of its first bytes: the log as it was when it had no more
   */
  async openLines(ref: LogRef, signal: AbortSignal, most = Infinity): Promise<LineLog> {
    const file = await openRegular(this.pathFor(ref), O_RDONLY);
    const { handle = null, size = 0, identity = "" } = file ?? {};
    const index = file ? this.#indexes.getOrMake(identity, () => new LineIndex()) : new LineIndex();
    // Shorter than it was: somebody has been at it.
    if (index.known * this.#blockBytes > size) index.clear();
    return new LineLog(handle, Math.min(size, most), index, this.#blockBytes, signal);
  }

  /** The last bytes of a log as it is now, at most `limit`, and how many it has in all; null if there is none. */
  async tail(ref: LogRef, limit: number): Promise<{ bytes: Buffer; size: number } | null> {
    const log = await this.open(ref);
    if (!log) return null;
    try {
      return { bytes: await buffer(log.read(Math.max(0, log.size - limit), log.size)), size: log.size };
    } finally {
      await log.close();
    }
  }

  /**
   * Every byte of a log from `from` on, as it is written: no gap, no repeat, chunks of at most 64 KiB, read only when
   * asked for. Ends when the log is final and read to its end, or, quietly, when `signal` is aborted or the reader leaves.
   */
  follow(ref: LogRef, options: FollowOptions): AsyncIterableIterator<Buffer> {
    return followLog(this.pathFor(ref), () => this.ensureFile(ref), options);
  }

  /**
   * A log for one of many who read it while it is written; all share one file handle. Null: there is none (yet).
   *
   * @param ring called whenever there may be more of it, until `gone` is aborted
   */
  live(ref: LogRef, ring: () => void, gone: AbortSignal): Promise<LiveLog | null> {
    return this.#live.join(this.pathFor(ref), ring, gone);
  }

  /** Removes both logs of an attempt, if there are any. At once: nobody can begin to write in between. */
  discard(executionId: number, attempt: number): void {
    for (const stream of ["log", "error_log"] as const) {
      const path = this.pathFor({ executionId, attempt, stream });
      // Nearly always there is none, and this question is the cheaper one. An empty one stays: a follower may have it open.
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found && !(found.isFile() && found.size === 0)) rmSync(path, { force: true });
    }
  }

  #shard(executionId: number): string {
    return join(this.#folder, String(shardNumber(executionId)));
  }

  async #makeShard(executionId: number): Promise<void> {
    await mkdir(this.#shard(executionId), { recursive: true, mode: FOLDER_MODE });
  }
}

/** False if the folder is missing. */
async function createEmpty(path: string): Promise<boolean> {
  const file = await openRegular(path, O_WRONLY | O_APPEND | O_CREAT);
  await file?.handle.close();
  return file !== null;
}

function shardNumber(executionId: number): number {
  return Math.floor(positive(executionId, "execution id") / EXECUTIONS_PER_FOLDER);
}

/** The types say the same, but these numbers become file names: what is no number must never get that far. */
function positive(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new AppError("invalid", `The ${name} must be a whole number from 1, such as 42.`, { reason: "invalid_id" });
}
