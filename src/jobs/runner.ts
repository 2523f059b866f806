// The runner: takes one claimed execution from its files to its recorded end.
import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../database/database.js";
import { runMaterial, type RunMaterial } from "../database/run-queries.js";
import type { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { LogStore } from "../handlers/log-store.js";
import type { Logger } from "../handlers/logger.js";
import { drainsEnded } from "../handlers/process/leftovers.js";
import { readStatus, type Exit, type RunStatus } from "../handlers/process/run-folder.js";
import type { WorkerPool } from "../handlers/process/worker-pool.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import { watchRun } from "./adoption.js";
import type { Reason } from "./demand.js";
import type { Captured, Ending, Leftovers } from "./ending.js";
import type { Preparation } from "./preparation.js";
import type { Queue } from "./queue.js";
import type { Aftermath } from "./retry.js";
import { processesOf } from "./run-environment.js";
import type { Stopper } from "./stopper.js";
import type { StraySearch } from "./stray-search.js";
import { endLeftovers } from "./tidying.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  pool: WorkerPool;
  stopper: Stopper;
  straySearch: StraySearch;
  preparation: Preparation;
  logs: LogStore;
  workspaces: Workspaces;
  clock: Clock;
  logger: Logger;
}

/** One attempt in our hands. */
interface Run {
  execution: Execution;
  runId: string;
  /** What its config says; null as long as it has not been read. */
  config: RunMaterial["config"] | null;
}

/** What is known of a script that has ended. */
interface Remains {
  status: RunStatus;
  /** Certainly nothing of it is left, and its log is whole. */
  clean: boolean;
  /** There is a sign that something is left. */
  thorough: boolean;
}

const RETRY_AFTER_MS = 1000;
/** So long the last bytes of a log are waited for. */
const DRAIN_PATIENCE_MS = 1000;

const LOST: Reason = {
  code: "worker_lost",
  text: "The process that watched the script is gone without having recorded an exit code.",
};
const REBOOTED: Reason = {
  code: "rebooted",
  text: "The machine was restarted while it ran; how far it had come cannot be known.",
};
const STOPPED: Reason = { code: "cancelled", text: "It was stopped before its script began." };

export class Runner {
  private readonly closing = new AbortController();
  private turns = Promise.resolve();
  /** The attempts in our hands by run id; a next one may begin while the one before it is still being put away. */
  private readonly held = new Map<string, Execution>();

  constructor(private readonly with_: Collaborators) {}

  /** Runs an execution that was just claimed to its end and records that. Never throws: all that happens becomes its end. */
  async run(execution: Execution): Promise<void> {
    await this.guard(execution, (run) => this.start(run, { fresh: true }));
  }

  /**
   * Takes up an execution that another service process left running: starts it if nobody did, else watches it to its end.
   *
   * @param beforeBoot it was claimed before this machine was started
   */
  async resume(execution: Execution, { beforeBoot }: { beforeBoot: boolean }): Promise<void> {
    await this.guard(execution, async (run) => {
      const status = readStatus(this.folderOf(run));
      // Files may be younger or older than what they tell after a power cut; only a recorded end is believed.
      if (beforeBoot && status.state !== "exit") {
        await this.read(run);
        return this.lost(run, REBOOTED);
      }
      if (status.state === "absent") {
        if (execution.status === "stopping") return this.refused(STOPPED);
        await this.insist(() => this.with_.queue.startAnew(execution));
        return this.start(run, { fresh: false });
      }
      await this.material(run);
      if (execution.status === "stopping") void this.with_.stopper.end(execution);
      return this.watch(run);
    });
  }

  /** True if this process looks after the execution's present attempt, be it to start, to watch or to record it. */
  holds({ id, attempt }: Execution): boolean {
    return this.held.has(runIdOf(id, attempt));
  }

  /** The attempts that this process looks after. */
  inHand(): Execution[] {
    return [...this.held.values()];
  }

  /** Lets go of all runs. Scripts go on; another service process finds them. */
  close(): void {
    this.closing.abort();
    this.with_.stopper.close();
  }

  /** Gives each start a turn of the event loop of its own: a burst of them must not hold up everything else. */
  private ownTurn(): Promise<void> {
    this.turns = this.turns.then(() => new Promise(setImmediate));
    return this.turns;
  }

  /** @param fresh nobody else can ever have started this attempt */
  private async start(run: Run, { fresh }: { fresh: boolean }): Promise<Ending> {
    const { pool, preparation, stopper } = this.with_;
    const { execution, runId } = run;
    const material = await this.material(run);
    await this.ownTurn();
    this.closing.signal.throwIfAborted();
    // Logs of an earlier database in this folder, perhaps; they must not be mixed up with ours.
    if (fresh) this.with_.logs.discard(execution.id, execution.attempt);
    await preparation.prepare(execution, runId, material);
    if (stopper.isEnding(execution.id)) return this.refused(STOPPED);
    const answer = await pool.run(runId);
    // Let go of meanwhile: what it has left is the next service's, who counts it.
    this.closing.signal.throwIfAborted();
    if (answer.kind === "no_space") throw new AppError("unavailable", "The disk that holds DATA_DIR is full.");
    // Not "done": another process has begun this very attempt, or the worker died with it. The status file knows.
    if (answer.kind !== "done") return this.watch(run);
    const status = readStatus(this.folderOf(run));
    if (status.state !== "exit") return this.lost(run, LOST);
    // What may stay may hold the streams as long as it likes.
    const thorough = answer.open && (material.config.leftovers === "end" || stopper.isEnding(execution.id));
    return this.exited(run, status, { at: this.with_.clock.now(), clean: answer.clean, thorough });
  }

  /** Does `act` and records the ending it gives; what it throws is an ending too, unless we are closing. */
  private async guard(execution: Execution, act: (run: Run) => Promise<Ending>): Promise<void> {
    const run: Run = { execution, runId: runIdOf(execution.id, execution.attempt), config: null };
    const { queue, stopper, workspaces } = this.with_;
    this.held.set(run.runId, execution);
    stopper.begin(execution);
    try {
      const ending = await act(run).catch((error: unknown) => this.refusal(execution, error));
      this.closing.signal.throwIfAborted();
      await this.insist(() => queue.finish(execution, ending, aftermathOf(run)), true);
      stopper.forget(execution);
      workspaces.remove(run.runId);
    } catch (error) {
      if (!this.closing.signal.aborted) {
        this.with_.logger.error({ err: error, execution: execution.id }, "an end was not recorded");
      }
    } finally {
      this.held.delete(run.runId);
    }
  }

  /**
   * Does what must be done sooner or later, however long the database is out of reach: until we close.
   *
   * @param whatever true: after any other error too, such as a full disk
   */
  private async insist<T>(act: () => Promise<T>, whatever = false): Promise<T> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!whatever && !(error instanceof AppError && error.code === "unavailable")) throw error;
        this.closing.signal.throwIfAborted();
        this.with_.logger.error({ err: error }, "the database did not take it; trying again");
        await delay(RETRY_AFTER_MS, undefined, { signal: this.closing.signal, ref: false });
      }
    }
  }

  private refusal(execution: Execution, error: unknown): Ending {
    if (!this.closing.signal.aborted) this.with_.logger.error({ err: error, execution: execution.id }, "not started");
    const text =
      error instanceof AppError ? error.message : "Its files could not be laid out; the server log says why.";
    const missing = error instanceof AppError && error.reason === "version_missing";
    return this.refused({ code: missing ? "version_missing" : "cannot_start", text });
  }

  private refused(reason: Reason): Ending {
    return { kind: "refused", at: this.with_.clock.now(), reason };
  }

  /** Reads what the run needs, and has its timeout watched from now on. */
  private async material(run: Run): Promise<RunMaterial> {
    const material = await this.read(run);
    this.with_.stopper.watch(run.execution, material.config);
    return material;
  }

  private async read(run: Run): Promise<RunMaterial> {
    const { database } = this.with_;
    const material = await this.insist(() => database.read((manager) => runMaterial(manager, run.execution)));
    if (!material) throw new AppError("not_found", "The batch was deleted before this execution could start.");
    run.config = material.config;
    return material;
  }

  private async watch(run: Run): Promise<Ending> {
    const watched = await watchRun(this.folderOf(run), this.closing.signal);
    if (watched.state === "absent") throw new AppError("unavailable", "No process could be had to run the script.");
    if (watched.state === "lost") return this.lost(run, LOST);
    return this.exited(run, watched, { at: watched.endedAt, clean: false, thorough: true });
  }

  private async exited(run: Run, exit: Exit, { at, ...end }: { at: number; clean: boolean; thorough: boolean }) {
    const leftovers = await this.tidy(run, { status: exit, ...end });
    // Only now: what was left behind may have held the streams.
    if (end.thorough) await drainsEnded(exit, DRAIN_PATIENCE_MS);
    return { kind: "exited" as const, code: exit.code, at, captured: this.captured(run, exit), leftovers };
  }

  private async lost(run: Run, reason: Reason): Promise<Ending> {
    const at = this.with_.clock.now();
    await this.tidy(run, { status: readStatus(this.folderOf(run)), clean: false, thorough: true });
    return { kind: "lost", reason, at, captured: this.captured(run, null) };
  }

  /** Ends what the script has left behind, unless it may; null if it was not looked for. */
  private async tidy({ execution, runId, config }: Run, remains: Remains): Promise<Leftovers | null> {
    const { stopper, workspaces, logger } = this.with_;
    if (remains.clean) return { count: 0, survivors: "" };
    const warned = stopper.isEnding(execution.id);
    if (config?.leftovers === "keep" && !warned) return null;
    const killAfterMs = stopper.graceLeft(execution.id);
    const processes = processesOf(workspaces.pathsOf(runId), remains.status);
    const leftovers = await endLeftovers(processes, { thorough: remains.thorough, warned, killAfterMs });
    if (leftovers.count > 0)
      logger.info({ execution: execution.id, ...leftovers }, "ended what a script had left behind");
    return leftovers;
  }

  private captured({ execution, runId }: Run, exit: Exit | null): Captured {
    const { logs, workspaces } = this.with_;
    const { id: executionId, attempt } = execution;
    return {
      logBytes: logs.size({ executionId, attempt, stream: "log" }) ?? 0,
      logTruncated: exit?.outTruncated ?? false,
      errorLogBytes: logs.size({ executionId, attempt, stream: "error_log" }),
      errorLogTruncated: exit?.errTruncated ?? false,
      progress: workspaces.progress(runId),
      results: workspaces.results(runId),
    };
  }

  private folderOf({ runId }: Run): string {
    return this.with_.workspaces.pathsOf(runId).runFolder;
  }
}

function aftermathOf({ config }: Run): Aftermath {
  return config ?? { retry: undefined, warningExitCodes: [] };
}
