// Executions, for whoever asks: read, list, cancel, and their logs.
import { In } from "typeorm";
import type { Database } from "../database/database.js";
import { pageOfExecutions } from "../database/execution-queries.js";
import { Attempt } from "../entities/attempt.js";
import { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import type { EventLog } from "../handlers/event-log.js";
import type { LogRef, LogStore, LogStream, OpenLog } from "../handlers/log-store.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import type { Queue } from "../jobs/queue.js";
import type { Actor } from "../models/actor.js";
import { ENDS_OF_EXECUTIONS, type EventKind } from "../models/event.js";
import type { ExecutionFilter } from "../models/execution.js";
import { isFinal } from "../models/status.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  logs: LogStore;
  workspaces: Workspaces;
  events: EventLog;
}

/** An execution with its attempts before the present or last one, oldest first. */
export interface ExecutionDetails {
  execution: Execution;
  earlier: Attempt[];
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
    const [details] = await this.withAttempts([await this.row(id)]);
    if (!details) throw new AppError("internal", "An execution was lost on the way.");
    if (details.execution.status === "running" || details.execution.status === "stopping")
      this.measure(details.execution);
    return details;
  }

  /** Executions with their earlier attempts, in the given order. */
  async withAttempts(executions: Execution[]): Promise<ExecutionDetails[]> {
    const retried = executions.filter(({ attempt }) => attempt > 0).map(({ id }) => id);
    const attempts = await this.with_.database.read((manager) =>
      manager.find(Attempt, { where: { executionId: In(retried) }, order: { number: "ASC" } }),
    );
    return executions.map((execution) => ({
      execution,
      earlier: attempts.filter(({ executionId }) => executionId === execution.id),
    }));
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

  /** Opens a log as it is now; the caller closes it. Null: it started and has printed nothing. */
  async openLog(id: number, wanted: WantedLog): Promise<OpenLog | null> {
    return this.with_.logs.open(await this.logRef(id, wanted));
  }

  /**
   * A log from byte `from` on, as it grows, up to the end of the attempt.
   *
   * @param signal ends it early, when the reader has gone
   */
  async followLog(id: number, wanted: WantedLog, from: number, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
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
    if (wanted !== undefined && wanted > attempt) {
      const message = `Execution ${id} has had ${attempt} ${attempt === 1 ? "attempt" : "attempts"}, and none with the number ${wanted}.`;
      throw new AppError("not_found", message, { reason: "no_such_attempt" });
    }
    const ref = { executionId: id, attempt: wanted ?? attempt, stream };
    if (stream === "error_log" && ref.attempt === attempt && isFinal(status) && errorLogBytes === null) {
      const message = `Execution ${id} succeeded and printed nothing on standard error, so it has no error log.`;
      throw new AppError("not_found", message, { reason: "no_error_log" });
    }
    return ref;
  }
}
