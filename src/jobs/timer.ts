// The one bell: rings at an instant of the injected clock. All that node-schedule ever carries is a single date.
import { scheduleJob, type Job } from "node-schedule";
import type { Clock } from "../handlers/clock.js";

/** A far instant is looked at this often, so that a clock set forward or a machine that slept is noticed. */
const LOOK_EVERY_MS = 30_000;

export class Timer {
  private at: number | null = null;
  private job: Job | null = null;
  private soon: NodeJS.Immediate | null = null;
  private readonly forgetClock: () => void;

  /** @param ring called once per `set`, when the instant has come */
  constructor(
    private readonly clock: Clock,
    private readonly ring: () => void,
  ) {
    this.forgetClock = clock.onSet(() => this.arm());
  }

  /** Rings at `at`, in ms since 1970, instead of any instant set before; null: not at all. */
  set(at: number | null): void {
    this.at = at;
    this.arm();
  }

  close(): void {
    this.set(null);
    this.forgetClock();
  }

  private arm(): void {
    this.job?.cancel();
    this.job = null;
    if (this.soon) clearImmediate(this.soon);
    this.soon = null;
    if (this.at === null) return;
    const wait = this.at - this.clock.now();
    if (wait > 0) this.job = scheduleJob(new Date(Date.now() + Math.min(wait, LOOK_EVERY_MS)), () => this.arm());
    // The library takes no date that has just passed; then, as for a due instant, the next turn of the loop will do.
    if (!this.job) this.soon = setImmediate(() => (wait > 0 ? this.arm() : this.rings()));
  }

  private rings(): void {
    this.at = null;
    this.ring();
  }
}
