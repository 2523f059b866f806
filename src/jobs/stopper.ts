// The stopper: ends scripts early. Politely first, then firmly, and the whole process tree of each.
import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../database/database.js";
import type { Execution } from "../entities/execution.js";
import type { Clock } from "../handlers/clock.js";
import type { Logger } from "../handlers/logger.js";
import { signalRun } from "../handlers/process/process-tree.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import { SYSTEM } from "../models/actor.js";
import type { BatchConfig } from "../models/batch-config.js";
import { parseDuration } from "../models/duration.js";
import type { Queue } from "./queue.js";
import { processesOf } from "./run-environment.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  workspaces: Workspaces;
  clock: Clock;
  logger: Logger;
}

/** The longest delay that setTimeout takes; a longer one is waited for in pieces. */
const MAX_DELAY_MS = 2 ** 31 - 1;
const DEFAULT_KILL_AFTER_MS = 10_000;
/** So often a signal is sent again that found nobody yet, or that somebody survived. */
const AGAIN_MS = 50;
const RETRY_AFTER_MS = 1000;

/** What is known of one attempt while it runs. */
interface Watch {
  attempt: number;
  killAfterMs: number;
  deadline: NodeJS.Timeout | null;
  /** When it was told to end, as performance.now(); null: it was not. */
  warnedAt: number | null;
}

export class Stopper {
  private readonly watches = new Map<number, Watch>();

  constructor(private readonly with_: Collaborators) {}

  /** The attempt is in our hands: from now on it can be told to end, up to `forget`. */
  begin({ id, attempt }: Execution): void {
    // The attempt before may have ended just now, and not be forgotten yet.
    this.clearDeadline(id);
    this.watches.set(id, { attempt, killAfterMs: DEFAULT_KILL_AFTER_MS, deadline: null, warnedAt: null });
  }

  /** From now on `execution` is ended at its timeout, counted from its start. */
  watch(execution: Execution, config: BatchConfig): void {
    const watch = this.watches.get(execution.id);
    if (!watch) return;
    watch.killAfterMs = parseDuration(config.killAfter) ?? DEFAULT_KILL_AFTER_MS;
    if (config.timeout === undefined || execution.startedAt === null) return;
    const deadline = execution.startedAt + (parseDuration(config.timeout) ?? 0);
    this.timeOutAt(watch, deadline, execution, config.timeout);
  }

  /** True if the execution was told to end. */
  isEnding(id: number): boolean {
    return (this.watches.get(id)?.warnedAt ?? null) !== null;
  }

  /**
   * TERM to every process of the execution, KILL to those that are left after its grace time. May come before its
   * script has begun: the signal is sent again until it finds somebody, or the execution is forgotten.
   */
  async end(execution: Execution): Promise<void> {
    const watch = this.watches.get(execution.id);
    if (!watch || watch.warnedAt !== null) return;
    watch.warnedAt = performance.now();
    if (watch.deadline) clearTimeout(watch.deadline);
    try {
      await this.signalUntilForgotten(execution, watch);
    } catch (error) {
      this.with_.logger.error({ err: error, execution: execution.id }, "a script could not be ended");
    }
  }

  private async signalUntilForgotten(execution: Execution, watch: Watch): Promise<void> {
    const lives = () => this.watches.get(execution.id) === watch;
    while (lives() && (await this.signal(execution, "SIGTERM")) === 0) await pause(AGAIN_MS);
    watch.warnedAt = performance.now();
    while (lives() && this.graceLeft(execution.id) > 0) await pause(AGAIN_MS);
    while (lives()) {
      await this.signal(execution, "SIGKILL");
      await pause(AGAIN_MS);
    }
  }

  /** How long what is left of an execution may take to end by itself, in ms: its grace time, or what is left of it. */
  graceLeft(id: number): number {
    const { killAfterMs, warnedAt } = this.watches.get(id) ?? { killAfterMs: DEFAULT_KILL_AFTER_MS, warnedAt: null };
    return warnedAt === null ? killAfterMs : Math.max(0, warnedAt + killAfterMs - performance.now());
  }

  close(): void {
    for (const id of this.watches.keys()) this.clearDeadline(id);
    this.watches.clear();
  }

  /** The attempt has ended. The next one, which may have begun by now, is none of our business here. */
  forget({ id, attempt }: Execution): void {
    if (this.watches.get(id)?.attempt !== attempt) return;
    this.clearDeadline(id);
    this.watches.delete(id);
  }

  private clearDeadline(id: number): void {
    const deadline = this.watches.get(id)?.deadline;
    if (deadline) clearTimeout(deadline);
  }

  private timeOutAt(watch: Watch, instant: number, execution: Execution, timeout: string): void {
    const wait = Math.max(0, instant - this.with_.clock.now());
    const due = () => {
      if (wait > MAX_DELAY_MS) this.timeOutAt(watch, instant, execution, timeout);
      else void this.timeOut(watch, execution, timeout);
    };
    watch.deadline = setTimeout(due, Math.min(wait, MAX_DELAY_MS)).unref();
  }

  private async timeOut(watch: Watch, execution: Execution, timeout: string): Promise<void> {
    const reason = { code: "timeout", text: `It ran longer than its timeout of ${timeout}.` };
    const stop = { as: "timed_out", reason, actor: SYSTEM, attempt: execution.attempt } as const;
    try {
      await this.with_.database.write((transaction) => this.with_.queue.stop(transaction, execution.id, stop));
    } catch (error) {
      this.with_.logger.error({ err: error, execution: execution.id }, "not timed out yet; it is tried again");
      if (this.watches.get(execution.id) === watch) {
        watch.deadline = setTimeout(() => void this.timeOut(watch, execution, timeout), RETRY_AFTER_MS).unref();
      }
    }
  }

  /** Returns how many processes it reached. */
  private async signal(execution: Execution, signal: "SIGTERM" | "SIGKILL"): Promise<number> {
    const paths = this.with_.workspaces.pathsOf(runIdOf(execution.id, execution.attempt));
    const processes = await signalRun(processesOf(paths), signal);
    if (processes > 0) this.with_.logger.info({ execution: execution.id, signal, processes }, "ending a script");
    return processes;
  }
}

/** Keeps nothing alive: a service that is told to stop need not wait for scripts to end. */
function pause(ms: number): Promise<void> {
  return delay(ms, undefined, { ref: false });
}
