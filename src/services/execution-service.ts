// Executions, for whoever asks: read, list, cancel, and their logs.
import { In } from "typeorm";
import type { Database } from "../database/database.js";
import { pageOfExecutions } from "../database/execution-queries.js";
import { recentDurations } from "../database/plan-queries.js";
import { Attempt } from "../entities/attempt.js";
import { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import type { LogRef, LogStore, LogStream, OpenLog } from "../handlers/log-store.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import type { Queue } from "../jobs/queue.js";
import type { EventFeed } from "../jobs/event-feed.js";
import type { Actor } from "../models/actor.js";
import { ENDS_OF_EXECUTIONS, type EventKind } from "../models/event.js";
import type { ExecutionFilter } from "../models/execution.js";
import { expectedEnd } from "../models/expected-end.js";
import { median } from "../models/plan.js";
import { isFinal } from "../models/status.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  logs: LogStore;
  workspaces: Workspaces;
  events: EventLog;
  feed: EventFeed;
  clock: Clock;
}

/** An execution with its attempts before the present or last one, oldest first. */
export interface ExecutionDetails {
  execution: Execution;
  earlier: Attempt[];
  /** While it runs: how long its batch usually takes, in ms; null without history. */
  typicalMs?: number | null;
  /** While it runs: when it is expected to end; null if nobody can tell. */
  expectedEndAt?: number | null;
}

/** Which log of an execution. */
export interface WantedLog {
  stream: LogStream;
  /** Left out: the present or last one. */
  attempt?: number | undefined;
}

/** The events with which an attempt is over. */
const ENDS_OF_ATTEMPTS = new Set<EventKind>([...ENDS_OF_EXECUTIONS, "execution.retrying"]);

export class ExecutionService {
  constructor(private readonly with_: Collaborators) {}

  /** The execution; while it runs, with the sizes and the progress of this moment. */
  async get(id: number): Promise<ExecutionDetails> {
    const row = await this.row(id);
    if (row.status === "running" || row.status === "stopping") this.measure(row);
    const [details] = await this.withAttempts([row]);
    if (!details) throw new AppError("internal", "An execution was lost on the way.");
    return details;
  }

  /** Executions with their earlier attempts, and when those that run are expected to end, in the given order. */
  async withAttempts(executions: Execution[]): Promise<ExecutionDetails[]> {
    const retried = executions.filter(({ attempt }) => attempt > 0).map(({ id }) => id);
    const attempts = await this.with_.database.read((manager) =>
      manager.find(Attempt, { where: { executionId: In(retried) }, order: { number: "ASC" } }),
    );
    const running = executions.filter(({ status }) => status === "running");
    const usual = await this.typicalDurations(running);
    return executions.map((execution): ExecutionDetails => {
      const earlier = attempts.filter(({ executionId }) => executionId === execution.id);
      if (execution.status !== "running" || execution.startedAt === null) return { execution, earlier };
      const typicalMs = usual.get(execution.batchId) ?? null;
      const known = { startedAt: execution.startedAt, percent: execution.progress?.percent ?? null, typicalMs };
      return { execution, earlier, typicalMs, expectedEndAt: expectedEnd(known, this.with_.clock.now()) };
    });
  }

  private async typicalDurations(executions: Execution[]): Promise<Map<number, number | null>> {
    const batchIds = new Set(executions.map(({ batchId }) => batchId));
    const known = await this.with_.database.read((manager) => recentDurations(manager, batchIds, async () => {}));
    return new Map([...known].map(([batchId, durations]) => [batchId, median(durations)]));
  }

  private measure(execution: Execution): void {
    const { id } = execution;
    const { logs, workspaces } = this.with_;
    const place = { executionId: id, attempt: execution.attempt };
    execution.logBytes = logs.size({ ...place, stream: "log" });
    execution.errorLogBytes = logs.size({ ...place, stream: "error_log" });
    execution.progress = workspaces.progress(runIdOf(id, execution.attempt));
  }

  /** One more than the limit, newest first, where there are as many. */
  async list(filter: ExecutionFilter): Promise<ExecutionDetails[]> {
    return this.withAttempts(await this.with_.database.read((manager) => pageOfExecutions(manager, filter)));
  }

  /** Ends an execution: at once if it has not started, else by ending its script. */
  async cancel(id: number, actor: Actor): Promise<ExecutionDetails> {
    await this.row(id);
    const reason = { code: "cancelled", text: `It was cancelled by ${actor.name}.` };
    const stopped = await this.with_.database.write((transaction) =>
      this.with_.queue.stop(transaction, id, { as: "cancelled", reason, actor }),
    );
    const details = await this.get(id);
    const { execution } = details;
    if (stopped || !isFinal(execution.status)) return details;
    const message = `Execution ${id} has ended already: ${execution.status}.`;
    throw new AppError("conflict", message, { reason: "already_ended" });
  }

  /** The attempt whose log is meant; 0: there will be a log, but not yet. */
  async attemptOf(id: number, wanted: WantedLog): Promise<number> {
    const row = await this.row(id);
    return isYetToStart(row) ? 0 : (await this.logRef(id, wanted)).attempt;
  }

  /** Opens a log as it is now; the caller closes it. Null: it started and has printed nothing. */
  async openLog(id: number, wanted: WantedLog): Promise<OpenLog | null> {
    return this.with_.logs.open(await this.logRef(id, wanted));
  }

  /**
   * A log from byte `from` on, as it grows, up to the end of the attempt; one that has not begun is waited for.
   *
   * @param signal ends it early, when the reader has gone
   */
  async followLog(id: number, wanted: WantedLog, from: number, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    if (isYetToStart(await this.row(id))) return this.followFromStart(id, wanted, from, signal);
    const ref = await this.logRef(id, wanted);
    const ended = new AbortController();
    const forget = this.with_.events.subscribe(({ kind, subject }) => {
      if (ENDS_OF_ATTEMPTS.has(kind) && subject.id === id) ended.abort();
    });
    signal.addEventListener("abort", forget, { once: true });
    ended.signal.addEventListener("abort", forget, { once: true });
    const isFinalNow = async () => {
      const { attempt, status } = await this.row(id);
      return attempt !== ref.attempt || status === "queued" || isFinal(status);
    };
    return this.with_.logs.follow(ref, { from, signal, isFinal: isFinalNow, finalSignal: ended.signal });
  }

  private async *followFromStart(id: number, wanted: WantedLog, from: number, signal: AbortSignal) {
    await this.with_.feed.until(id, (row) => !isYetToStart(row), signal);
    if (!signal.aborted && (await this.row(id)).attempt > 0) yield* await this.followLog(id, wanted, from, signal);
  }

  private async row(id: number): Promise<Execution> {
    const execution = await this.with_.database.read((manager) => manager.findOneBy(Execution, { id }));
    if (!execution) throw new AppError("not_found", `There is no execution ${id}.`);
    return execution;
  }

  /** Names a log of an execution. @throws AppError `not_found`, in words that say why there is none */
  async logRef(id: number, { stream, attempt: wanted }: WantedLog): Promise<LogRef> {
    const { attempt, status, errorLogBytes, reasonText } = await this.row(id);
    if (attempt === 0) {
      const why = isFinal(status) ? `never started: ${reasonText ?? status}` : "has not started yet, so it has no log.";
      throw new AppError("not_found", `Execution ${id} ${why}`, {
        reason: isFinal(status) ? "never_started" : "not_started",
      });
    }
    if (wanted !== undefined && wanted > attempt) throw noSuchAttempt(id, attempt, wanted);
    const ref = { executionId: id, attempt: wanted ?? attempt, stream };
    if (stream === "error_log" && ref.attempt === attempt && isFinal(status) && errorLogBytes === null) {
      const message = `Execution ${id} succeeded and printed nothing on standard error, so it has no error log.`;
      throw new AppError("not_found", message, { reason: "no_error_log" });
    }
    return ref;
  }
}

function isYetToStart({ attempt, status }: Execution): boolean {
  return attempt === 0 && !isFinal(status);
}

/** The refusal of an attempt that an execution has not had. */
export function noSuchAttempt(id: number, attempt: number, wanted: number): AppError {
  const message = `Execution ${id} has had ${attempt} ${attempt === 1 ? "attempt" : "attempts"}, and none with the number ${wanted}.`;
  return new AppError("not_found", message, { reason: "no_such_attempt" });
}
