// The runner: takes one claimed execution from its files to its recorded end.
import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../database/database.js";
import { runMaterial, type RunMaterial } from "../database/run-queries.js";
import type { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import type { ArtifactStore } from "../handlers/artifact-store/artifact-store.js";
import type { Clock } from "../handlers/clock.js";
import type { LogStore } from "../handlers/log-store.js";
import type { Logger } from "../handlers/logger.js";
import { readStatus, writeRequest, type RunStatus } from "../handlers/process/run-folder.js";
import type { WorkerPool } from "../handlers/process/worker-pool.js";
import { inputNameOf, runIdOf, type Workspaces } from "../handlers/workspace.js";
import { watchRun } from "./adoption.js";
import type { Reason } from "./demand.js";
import type { Captured, Ending } from "./ending.js";
import type { Queue } from "./queue.js";
import { environmentOf, previousOutputs } from "./run-environment.js";
import type { Stopper } from "./stopper.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  pool: WorkerPool;
  stopper: Stopper;
  artifacts: ArtifactStore;
  logs: LogStore;
  workspaces: Workspaces;
  clock: Clock;
  logger: Logger;
  /** The part of the service's environment that every script inherits. */
  inherited: Record<string, string>;
}

const RETRY_AFTER_MS = 1000;

const LOST: Reason = {
  code: "worker_lost",
  text: "The process that watched the script is gone without having recorded an exit code.",
};

const STOPPED: Reason = { code: "cancelled", text: "It was stopped before its script began." };

export class Runner {
  private readonly closing = new AbortController();

  constructor(private readonly with_: Collaborators) {}

  /** Runs a claimed execution to its end and records that. Never throws: whatever happens becomes the row's end. */
  async run(execution: Execution): Promise<void> {
    await this.guard(execution, async (runId) => {
      const material = await this.material(execution);
      this.with_.stopper.watch(execution, material.config);
      await this.prepare(execution, runId, material);
      if (this.with_.stopper.isEnding(execution.id)) return this.refused(STOPPED);
      const answer = await this.with_.pool.run(runId);
      if (answer.kind === "no_space") throw new AppError("unavailable", "The disk that holds DATA_DIR is full.");
      // Not "done": somebody else has begun this very attempt, or the worker died with it. The status file knows.
      return answer.kind === "done"
        ? this.exited(execution, runId, readStatus(this.folderOf(runId)), this.with_.clock.now())
        : this.watch(execution, runId);
    });
  }

  /** Takes up an execution that an earlier service left running: starts it if nobody did, else watches it to its end. */
  async resume(execution: Execution): Promise<void> {
    const status = readStatus(this.folderOf(runIdOf(execution.id, execution.attempt)));
    if (status.state === "absent" && execution.status === "running") {
      this.with_.stopper.begin(execution.id);
      await this.insist(() => this.with_.queue.startAnew(execution));
      return this.run(execution);
    }
    await this.guard(execution, async (runId) => {
      if (status.state === "absent") return this.refused(STOPPED);
      const { config } = await this.material(execution);
      this.with_.stopper.watch(execution, config);
      if (execution.status === "stopping") void this.with_.stopper.end(execution);
      return this.watch(execution, runId);
    });
  }

  /** Lets go of all runs. Scripts go on; the next service finds them. */
  close(): void {
    this.closing.abort();
    this.with_.stopper.close();
  }

  /** Does `act` and records the ending it gives; what it throws is an ending too, unless we are closing. */
  private async guard(execution: Execution, act: (runId: string) => Promise<Ending>): Promise<void> {
    const runId = runIdOf(execution.id, execution.attempt);
    const { queue, stopper, workspaces } = this.with_;
    stopper.begin(execution.id);
    try {
      const ending = await act(runId).catch((error: unknown) => this.refusal(execution, error));
      this.closing.signal.throwIfAborted();
      await this.insist(() => queue.finish(execution, ending), true);
      await stopper.forget(execution);
      workspaces.remove(runId);
    } catch (error) {
      if (!this.closing.signal.aborted) {
        this.with_.logger.error({ err: error, execution: execution.id }, "an end was not recorded");
      }
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
    return this.refused({ code: "cannot_start", text });
  }

  private refused(reason: Reason): Ending {
    return { kind: "refused", at: this.with_.clock.now(), reason };
  }

  private async material(execution: Execution): Promise<RunMaterial> {
    const material = await this.insist(() => this.with_.database.read((manager) => runMaterial(manager, execution)));
    if (material) return material;
    throw new AppError("not_found", "The batch was deleted before this execution could start.");
  }

  /** Lays out the run folder and the request in it, all but the start itself. */
  private async prepare(execution: Execution, runId: string, material: RunMaterial): Promise<void> {
    const { artifacts, inherited, logs, workspaces } = this.with_;
    const { id: executionId, attempt } = execution;
    await logs.ensureFolder(executionId);
    const inputs = await this.inputFiles(execution);
    const filesFolder = artifacts.filesFolder(material.storageKey);
    const paths = await workspaces.create(runId, { filesFolder, payload: execution.payload, inputs });
    const stateFolder = await workspaces.stateFolder(execution.batchId);
    writeRequest(paths.runFolder, {
      workFolder: paths.work,
      outFile: logs.pathFor({ executionId, attempt, stream: "log" }),
      errFile: logs.pathFor({ executionId, attempt, stream: "error_log" }),
      limits: "",
      env: environmentOf(execution, material.config, { paths, stateFolder, inherited, results: material.results }),
      command: ["bash", "script.sh", ...execution.args, ...previousOutputs(execution, paths)],
    });
  }

  /** The logs of the predecessors whose output it receives. One that printed nothing, or never ran, gives an empty file. */
  private async inputFiles(execution: Execution): Promise<{ name: string; file: string | null }[]> {
    const { logs } = this.with_;
    return Promise.all(
      execution.inputs.map(async (input) => {
        const { executionId, attempt } = input;
        if (attempt === 0) return { name: inputNameOf(input), file: null };
        const ref = { executionId, attempt, stream: "log" } as const;
        await logs.ensureFile(ref);
        return { name: inputNameOf(input), file: logs.pathFor(ref) };
      }),
    );
  }

  private async watch(execution: Execution, runId: string): Promise<Ending> {
    const watched = await watchRun(this.folderOf(runId), this.closing.signal);
    if (watched.state === "exit") return this.exited(execution, runId, watched, watched.endedAt);
    if (watched.state === "absent") throw new AppError("unavailable", "No process could be had to run the script.");
    const captured = this.captured(execution, runId, watched);
    return { kind: "lost", reason: LOST, at: this.with_.clock.now(), captured };
  }

  private exited(execution: Execution, runId: string, status: RunStatus, at: number): Ending {
    const captured = this.captured(execution, runId, status);
    if (status.state !== "exit") return { kind: "lost", reason: LOST, at, captured };
    return { kind: "exited", code: status.code, at, captured };
  }

  private captured(execution: Execution, runId: string, status: RunStatus | { state: "lost" }): Captured {
    const { logs, workspaces } = this.with_;
    const { id: executionId, attempt } = execution;
    const exit = status.state === "exit" ? status : { outTruncated: false, errTruncated: false };
    return {
      logBytes: logs.size({ executionId, attempt, stream: "log" }) ?? 0,
      logTruncated: exit.outTruncated,
      errorLogBytes: logs.size({ executionId, attempt, stream: "error_log" }),
      errorLogTruncated: exit.errTruncated,
      progress: workspaces.progress(runId),
      results: workspaces.results(runId),
    };
  }

  private folderOf(runId: string): string {
    return this.with_.workspaces.pathsOf(runId).runFolder;
  }
}
