// The stopper: ends scripts early. Politely first, then firmly, and the whole process tree of each.
import type { Database } from "../database/database.js";
import type { Execution } from "../entities/execution.js";
import type { Clock } from "../handlers/clock.js";
import type { Logger } from "../handlers/logger.js";
import { signalRun } from "../handlers/process/process-tree.js";
import { readStatus } from "../handlers/process/run-folder.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import type { BatchConfig } from "../models/batch-config.js";
import { parseDuration } from "../models/duration.js";
import type { Queue } from "./queue.js";
import { cookieOf } from "./run-environment.js";

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

interface Watch {
  killAfterMs: number;
  timer: NodeJS.Timeout | null;
}

export class Stopper {
  private readonly watches = new Map<number, Watch>();

  constructor(private readonly with_: Collaborators) {}

  /** From now on `execution` is ended at its timeout, counted from its start, and when it is to stop. */
  watch(execution: Execution, config: BatchConfig): void {
    const killAfterMs = parseDuration(config.killAfter) ?? DEFAULT_KILL_AFTER_MS;
    const watch: Watch = { killAfterMs, timer: null };
    this.watches.set(execution.id, watch);
    if (config.timeout === undefined || execution.startedAt === null) return;
    const deadline = execution.startedAt + (parseDuration(config.timeout) ?? 0);
    this.at(watch, deadline, () => this.timeOut(execution, config.timeout ?? ""));
  }

  /** The execution has ended: nothing is left to stop. */
  forget(id: number): void {
    const timer = this.watches.get(id)?.timer;
    if (timer) clearTimeout(timer);
    this.watches.delete(id);
  }

  /** TERM now, KILL after the execution's grace time if it has not ended by then. */
  async end(execution: Execution): Promise<void> {
    const watch = this.watches.get(execution.id);
    if (!watch) return;
    if (watch.timer) clearTimeout(watch.timer);
    this.at(watch, this.with_.clock.now() + watch.killAfterMs, () => this.signal(execution, "SIGKILL"));
    await this.signal(execution, "SIGTERM");
  }

  close(): void {
    for (const id of [...this.watches.keys()]) this.forget(id);
  }

  private async timeOut(execution: Execution, timeout: string): Promise<void> {
    const reason = { code: "timeout", text: `It ran longer than its timeout of ${timeout}.` };
    await this.with_.database.write((transaction) =>
      this.with_.queue.stop(transaction, execution.id, { as: "timed_out", reason }),
    );
  }

  private async signal(execution: Execution, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const paths = this.with_.workspaces.pathsOf(runIdOf(execution.id, execution.attempt));
    const status = readStatus(paths.runFolder);
    const script = status.state === "running" ? (status.script ?? null) : null;
    const count = await signalRun({ script, cookie: cookieOf(paths) }, signal);
    this.with_.logger.info({ execution: execution.id, signal, processes: count }, "ending a script");
  }

  private at(watch: Watch, instant: number, act: () => Promise<void>): void {
    const wait = instant - this.with_.clock.now();
    const again = () => {
      if (wait > MAX_DELAY_MS) this.at(watch, instant, act);
      else act().catch((error: unknown) => this.with_.logger.error({ err: error }, "a script could not be ended"));
    };
    watch.timer = setTimeout(again, Math.min(Math.max(0, wait), MAX_DELAY_MS)).unref();
  }
}
