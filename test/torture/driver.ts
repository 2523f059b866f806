// Whoever uses the service while it is tortured: uploads, runs, cancels, disables and enables, through whichever service lives.
import { setTimeout as pause } from "node:timers/promises";
import { ApiError, type BatchConfigInput, type BatchlineClient } from "../../src/sdk/client.js";
import { tortureZip } from "./behaviour.js";
import type { ServiceClock } from "./clock.js";
import type { Places } from "./facts.js";
import type { Fleet } from "./fleet.js";
import type { Journal } from "./journal.js";
import type { Random } from "./random.js";
import type { Recorder } from "./recorder.js";
import { CHAIN, MANUAL, PAUSED, SCHEDULED, SINGLE } from "./workload.js";

interface Collaborators {
  fleet: Fleet;
  clock: ServiceClock;
  journal: Journal;
  recorder: Recorder;
  places: Places;
  random: Random;
}

/** After the storm every watermark must lie ahead within this. */
const CALM_MS = 60_000;
const PATIENCE_MS = 120_000;

export class Driver {
  /** Answers that a service should not have given, such as 500. */
  readonly complaints = new Map<string, number>();

  constructor(private readonly with_: Collaborators) {}

  /** Uploads everything. */
  async upload(): Promise<void> {
    const zip = await tortureZip();
    const env = { TORTURE_WITNESS: this.with_.places.witness, TORTURE_BYTES: this.with_.places.bytes };
    const given = (config: BatchConfigInput) => ({ ...config, env });
    for (const config of SINGLE) {
      await this.arm([config.name], async (sdk) => {
        if (!(await exists(sdk, config.name))) await sdk.batches.create(zip, given(config));
      });
    }
    await this.arm(
      CHAIN.map(({ name }) => name),
      async (sdk) => {
        if (await exists(sdk, "head")) return;
        const archives = Object.fromEntries(CHAIN.map(({ name }) => [`${name}.zip`, zip]));
        await sdk.chains.create(
          archives,
          CHAIN.map((config) => ({ ...given(config), script: config.name })),
        );
      },
    );
  }

  /** Uses the service until `signal` is aborted. */
  async work(signal: AbortSignal): Promise<void> {
    const repeat = async (from: number, to: number, act: () => Promise<void>) => {
      const luck = this.with_.random.fork();
      for (;;) {
        await pause(luck.between(from, to), undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        await act();
      }
    };
    await Promise.all([
      repeat(200, 1500, () => this.run()),
      repeat(500, 3000, () => this.cancel()),
      repeat(2000, 6000, () => this.pauseAndResume()),
    ]);
  }

  /** Waits until every trigger has caught up, disables them all, and waits until every execution has ended. */
  async settle(): Promise<void> {
    const { recorder, clock, journal } = this.with_;
    const late = () => recorder.triggers((row) => row.nextAt !== null && row.nextAt <= clock.now() - 1000);
    await until(async () => (await late()).length === 0, CALM_MS);
    for (const { batch, nextAt } of await late()) journal.add({ kind: "mute", batch, watermark: nextAt ?? 0 });
    for (const name of SCHEDULED) await this.disarm(name);
    await until(async () => (await recorder.look()) === 0, PATIENCE_MS);
  }

  private async run(): Promise<void> {
    const { fleet, journal } = this.with_;
    await this.attempt(async () => {
      const { id } = await (await fleet.sdk()).batches.run(MANUAL, { payload: { asked: true } });
      journal.add({ kind: "asked", execution: id });
    });
  }

  private async cancel(): Promise<void> {
    const { fleet, journal, random } = this.with_;
    await this.attempt(async () => {
      const sdk = await fleet.sdk();
      const { items } = await sdk.executions.list({ status: "queued,waiting,running", limit: 20 });
      const execution = random.pick(items)?.id;
      if (execution === undefined) return;
      journal.add({ kind: "cancel", execution, accepted: false });
      const { status } = await sdk.executions.cancel(execution);
      if (status === "stopping" || status === "cancelled") journal.add({ kind: "cancel", execution, accepted: true });
    });
  }

  /** Nobody sets the clock meanwhile: what was planned in such a pause is nobody's to know. */
  private async pauseAndResume(): Promise<void> {
    await this.with_.clock.hold(async () => {
      await this.disarm(PAUSED);
      await pause(this.with_.random.between(200, 2500));
      await this.arming([PAUSED], async (sdk) => {
        await sdk.batches.enable(PAUSED);
      });
    });
  }

  private arm(batches: string[], act: (sdk: BatchlineClient) => Promise<void>): Promise<void> {
    return this.with_.clock.hold(() => this.arming(batches, act));
  }

  /** Insists until it is done, and notes between which instants the triggers were armed. */
  private async arming(batches: string[], act: (sdk: BatchlineClient) => Promise<void>): Promise<void> {
    const { clock, journal } = this.with_;
    const from = clock.now();
    await this.insist(act);
    const by = clock.now();
    journal.add(...batches.map((batch) => ({ kind: "armed", batch, from, by }) as const));
  }

  private async disarm(batch: string): Promise<void> {
    const { clock, journal, recorder } = this.with_;
    const from = clock.now();
    const [trigger] = await recorder.triggers((row) => row.batch === batch);
    await this.insist(async (sdk) => {
      await sdk.batches.disable(batch);
    });
    journal.add({ kind: "disarmed", batch, from, by: clock.now(), watermark: trigger?.nextAt ?? null });
  }

  private async insist(act: (sdk: BatchlineClient) => Promise<void>): Promise<void> {
    for (;;) {
      if (await this.attempt(async () => act(await this.with_.fleet.sdk()))) return;
      const [refusal] = this.complaints.keys();
      if (refusal !== undefined) throw new Error(`The service answered what it should not: ${refusal}`);
      await pause(50);
    }
  }

  /** False if a service was killed over it, or refused; that is part of the game, but a fault of the service is noted. */
  private async attempt(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      // 409 and 404: it had ended before it could be cancelled. 503: starting, stopping, or the database is away.
      if (error instanceof ApiError && ![404, 409, 503].includes(error.status)) {
        const words = `${error.status} ${error.message}`;
        this.complaints.set(words, (this.complaints.get(words) ?? 0) + 1);
      }
      return false;
    }
  }
}

async function exists(sdk: BatchlineClient, name: string): Promise<boolean> {
  try {
    await sdk.batches.get(name);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

async function until(condition: () => Promise<boolean>, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition()) && performance.now() < deadline) await pause(100);
}
