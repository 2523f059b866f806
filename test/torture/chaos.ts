// What happens to the services: kills, freezes and clock steps at random moments, of them and of the parts that run scripts.
import { readdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readStatus } from "../../src/handlers/process/run-folder.js";
import type { ServiceClock } from "./clock.js";
import type { Places } from "./facts.js";
import type { Fleet } from "./fleet.js";
import type { Journal } from "./journal.js";
import { childrenOf, openFilesOf, processesRunning, signal, standsStill } from "./processes.js";
import type { Product } from "./product.js";
import type { Random } from "./random.js";

/** How long to wait between two of a kind, from and to, in ms; null: never. */
type Every = readonly [number, number] | null;

export interface Temper {
  kill: Every;
  terminate: Every;
  freeze: Every;
  /** For so long. */
  freezeMs: readonly [number, number];
  idleWorker: Every;
  busyWorker: Every;
  remover: Every;
  clock: Every;
}

export const FURIOUS: Temper = {
  kill: [500, 4000],
  terminate: [8000, 20_000],
  freeze: [3000, 9000],
  freezeMs: [100, 3000],
  idleWorker: [300, 2000],
  busyWorker: [5000, 15_000],
  remover: [5000, 20_000],
  clock: [4000, 10_000],
};

/** So many of the clock's steps are of hours: each makes thousands of late occurrences, which leave little time for runs. */
const HOURS_SHARE = 0.05;

export interface Deeds {
  kills: number;
  terminations: number;
  freezes: number;
  idleWorkers: number;
  busyWorkers: number;
  removers: number;
  clockSteps: number;
}

interface Collaborators {
  fleet: Fleet;
  product: Product;
  places: Places;
  clock: ServiceClock;
  journal: Journal;
  random: Random;
}

export class Chaos {
  readonly deeds: Deeds = {
    kills: 0,
    terminations: 0,
    freezes: 0,
    idleWorkers: 0,
    busyWorkers: 0,
    removers: 0,
    clockSteps: 0,
  };

  constructor(private readonly with_: Collaborators) {}

  /** Rages until `signal` is aborted, then undoes what lasts: nothing is frozen, and the clock goes right. */
  async rage(temper: Temper, signal: AbortSignal): Promise<void> {
    const { fleet, clock } = this.with_;
    const every = (span: Every, act: (luck: Random) => Promise<void>) =>
      span === null ? Promise.resolve() : this.repeat(span, act, signal);
    await Promise.all([
      every(temper.kill, async (luck) => {
        this.deeds.kills++;
        await fleet.replaceOne("SIGKILL", luck.between(0, 1000));
      }),
      every(temper.terminate, async (luck) => {
        this.deeds.terminations++;
        await fleet.replaceOne("SIGTERM", luck.between(0, 1000));
      }),
      every(temper.freeze, async (luck) => {
        this.deeds.freezes++;
        await fleet.freezeOne(luck.between(...temper.freezeMs));
      }),
      every(temper.idleWorker, (luck) => this.killWorker("idle", luck)),
      every(temper.busyWorker, (luck) => this.killWorker("busy", luck)),
      every(temper.remover, (luck) => this.killRemover(luck)),
      every(clock.canBeSet ? temper.clock : null, (luck) => this.stepClock(luck)),
    ]);
    await clock.restore();
  }

  private async repeat(span: readonly [number, number], act: (luck: Random) => Promise<void>, signal: AbortSignal) {
    const luck = this.with_.random.fork();
    for (;;) {
      await pause(luck.between(...span), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await act(luck);
    }
  }

  /** Kills a worker. It is stopped first, so that it can be told for certain which run dies with it. */
  private async killWorker(kind: "idle" | "busy", luck: Random): Promise<void> {
    const pid = luck.pick(await this.workers(kind));
    if (pid === undefined) return;
    signal(pid, "SIGSTOP");
    if (!(await standsStill(pid))) return;
    const runs = this.runsInHandOf(pid);
    // One that looked idle has taken a run since: it is spared, or the idle could not be told from the busy.
    if (kind === "idle" && runs.length > 0) {
      signal(pid, "SIGCONT");
      return;
    }
    this.with_.journal.add(...runs.map((run) => ({ kind: "worker_killed", run }) as const));
    signal(pid, "SIGKILL");
    if (kind === "idle") this.deeds.idleWorkers++;
    else this.deeds.busyWorkers++;
  }

  /** Workers with or without a script in hand; there may be no busy one at the moment, and then it waits a while. */
  private async workers(kind: "idle" | "busy"): Promise<number[]> {
    for (let i = 0; i < 50; i++) {
      const all = processesRunning(this.with_.product.workerScript);
      const wanted = all.filter((pid) => childrenOf(pid).length > 0 === (kind === "busy"));
      if (wanted.length > 0) return wanted;
      await pause(40);
    }
    return [];
  }

  /** The runs whose status file names this worker and no end, or which it is just making. */
  private runsInHandOf(worker: number): string[] {
    const runsFolder = path.join(this.with_.places.data, "runs");
    const named = readdirSync(runsFolder).filter((run) => {
      const status = readStatus(path.join(runsFolder, run));
      return (status.state === "starting" || status.state === "running") && status.worker.pid === worker;
    });
    const open = openFilesOf(worker).flatMap((file) => /\/runs\/([\d]+-[\d]+)\/status$/.exec(file)?.[1] ?? []);
    return [...new Set([...named, ...open])];
  }

  private async killRemover(luck: Random): Promise<void> {
    const remover = luck.pick(processesRunning(this.with_.product.removerScript));
    if (remover === undefined) return;
    signal(remover, "SIGKILL");
    this.deeds.removers++;
    await Promise.resolve();
  }

  /** Forward by seconds to hours for good, or back by as much and, a moment later, to where it was. */
  private async stepClock(luck: Random): Promise<void> {
    const { clock } = this.with_;
    const stepMs = 1000 * (luck.chance(HOURS_SHARE) ? luck.between(3600, 7200) : luck.between(5, 60));
    this.deeds.clockSteps++;
    if (luck.chance(0.4)) {
      await clock.forward(stepMs);
      return;
    }
    await clock.back(stepMs);
    await pause(luck.between(500, 4000));
    await clock.restore();
    this.deeds.clockSteps++;
  }
}
