// The pool of bash workers that start and capture the scripts: one run at a time each, handed out in order.
import { join } from "node:path";

import { AppError } from "../../errors.js";
import { sweepCgroups } from "./cgroup.js";
import { PoolWorker } from "./pool-worker.js";
import type { RunAnswer } from "./pool-worker.js";
import { readStatus } from "./run-folder.js";

export type { RunAnswer } from "./pool-worker.js";

/** The part of the server log that the pool writes to. */
export interface PoolLogger {
  warn(details: object, message: string): void;
}

export interface WorkerPoolOptions {
  /** Absolute path of the folder that holds one folder for each run. */
  runsFolder: string;
  /** How many runs there can be at a time. All workers start at once, at boot: starting one gets dearer as we grow. */
  size: number;
  /** How many bytes are kept of each stream of a run; rounded down to KiB, at least one. */
  capBytes: number;
  /** The environment that every script has, before its own: an allow-list. LANG and LC_* are left out (see `start`). */
  baseEnv: Record<string, string>;
  /** How long a worker reads the output itself before it starts drains, in milliseconds. */
  windowMs?: number;
  /**
   * A worker is replaced after so many runs, since bash grows a little with each; and after one that left a process
   * behind, so that nothing in its cgroup can be taken for a part of the next.
   */
  recycleAfter?: number;
  /** The path of another worker.sh. */
  script?: string;
  /** False: no worker gets a cgroup of its own, as on a machine that has none to give. */
  cgroups?: boolean;
  logger?: PoolLogger;
}

interface Waiting {
  resolve: (worker: PoolWorker) => void;
  reject: (error: AppError) => void;
}

const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const SENDINGS = 3;
const RESPAWN_PAUSE_MS = 500;

export class WorkerPool {
  private readonly workers = new Set<PoolWorker>();
  private readonly idleWorkers: PoolWorker[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly respawns = new Set<NodeJS.Timeout>();
  private readonly recycleAfter: number;
  private closed = false;

  constructor(private readonly options: WorkerPoolOptions) {
    this.recycleAfter = options.recycleAfter ?? 5000;
  }

  /** How many workers wait for a run. */
  get idle(): number {
    return this.idleWorkers.length;
  }

  /**
   * Starts all workers; fulfilled when each can take a run. They run without LANG and LC_*, because bytes must stay
   * bytes; a script's locale belongs into its own environment.
   */
  async start(): Promise<void> {
    const { cgroups = true } = this.options;
    if (cgroups) sweepCgroups();
    try {
      const workers = Array.from({ length: this.options.size }, () => this.open());
      await Promise.all(workers.map(({ ready }) => ready));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Has the run done whose request lies in the run folder of this name, as soon as a worker is idle, in the order of
   * the calls. If its worker dies before it has begun, another one gets it.
   */
  async run(runId: string): Promise<RunAnswer> {
    if (!RUN_ID.test(runId)) throw new AppError("invalid", `"${runId}" cannot be the name of a run folder.`);
    for (let sending = 1; ; sending++) {
      const worker = await this.takeWorker(sending > 1);
      const answer = await worker.ask(runId);
      this.release(worker);
      if (answer.kind !== "worker_gone" || sending === SENDINGS || this.hasBegun(runId)) return answer;
    }
  }

  /**
   * Sends all workers away and takes no more runs. Scripts are not waited for: a busy worker finishes its run, records
   * it and ends, with or without us; its answer still arrives if this process lives that long, but nothing here keeps
   * it alive. Runs that no worker has taken are refused.
   */
  async stop(): Promise<void> {
    this.closed = true;
    for (const timer of this.respawns) clearTimeout(timer);
    for (const { reject } of this.waiting.splice(0)) reject(poolClosed());
    this.idleWorkers.length = 0;
    await Promise.all([...this.workers].map((worker) => worker.leave()));
  }

  private hasBegun(runId: string): boolean {
    return readStatus(join(this.options.runsFolder, runId)).state !== "absent";
  }

  private takeWorker(first: boolean): Promise<PoolWorker> {
    if (this.closed) return Promise.reject(poolClosed());
    const worker = this.idleWorkers.pop();
    if (worker) return Promise.resolve(worker);
    return new Promise((resolve, reject) => {
      if (first) this.waiting.unshift({ resolve, reject });
      else this.waiting.push({ resolve, reject });
    });
  }

  private release(worker: PoolWorker): void {
    if (worker.hasGone || this.closed) return;
    if (worker.runs >= this.recycleAfter || worker.hasCompany) {
      void worker.leave(); // its end brings the next one
      return;
    }
    const next = this.waiting.shift();
    if (next) next.resolve(worker);
    else this.idleWorkers.push(worker);
  }

  private open(): PoolWorker {
    const { runsFolder, capBytes, windowMs = 50, baseEnv, script, cgroups: cgroup = true } = this.options;
    const env = Object.fromEntries(Object.entries(baseEnv).filter(([name]) => !/^(LANG|LANGUAGE|LC_.*)$/.test(name)));
    const capKib = Math.max(1, Math.floor(capBytes / 1024));
    const worker = new PoolWorker({ runsFolder, capKib, windowMs, env, script, cgroup });
    this.workers.add(worker);
    let cameUp = false;
    worker.ready.then(
      () => {
        cameUp = true;
        this.release(worker);
      },
      () => undefined, // start() tells its caller; of those opened later, its end tells
    );
    void worker.gone.then(() => this.replace(worker, cameUp));
    return worker;
  }

  private replace(worker: PoolWorker, cameUp: boolean): void {
    this.workers.delete(worker);
    const place = this.idleWorkers.indexOf(worker);
    if (place >= 0) this.idleWorkers.splice(place, 1);
    if (this.closed) return;
    if (!worker.isLeaving) {
      this.options.logger?.warn({ runs: worker.runs, cameUp }, "A bash worker of the runner died; it is replaced.");
    }
    // One that never came up would only fail again at once.
    this.openLater(cameUp ? 0 : RESPAWN_PAUSE_MS);
  }

  private openLater(pauseMs: number): void {
    const timer = setTimeout(() => {
      this.respawns.delete(timer);
      try {
        this.open();
      } catch (error) {
        this.options.logger?.warn({ err: error }, "No bash worker could be started for the runner; it is tried again.");
        this.openLater(RESPAWN_PAUSE_MS);
      }
    }, pauseMs).unref();
    this.respawns.add(timer);
  }
}

function poolClosed(): AppError {
  return new AppError("unavailable", "The service is stopping and starts no more scripts; try again when it is back.");
}
