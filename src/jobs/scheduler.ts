// The scheduler: turns each planned instant of a trigger into a row of the ledger, or an event, on time. The plan is the triggers'
// `nextAt` in the database and nowhere else, so that any number of service processes share it and none can lose it.
import type { EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { selectByIds } from "../database/plain.js";
import type { Transaction } from "../database/transaction.js";
import {
  dueTriggers,
  firstWatermark,
  lastOccurrences,
  pauseTriggers,
  setWatermarks,
} from "../database/trigger-queries.js";
import { Batch } from "../entities/batch.js";
import { isOfBatch, Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog, NewEvent } from "../handlers/event-log.js";
import type { Logger } from "../handlers/logger.js";
import { nextOccurrence } from "../models/schedule.js";
import type { Demand, Verdict } from "./demand.js";
import { fallingDue, removeServed } from "./falling-due.js";
import type { Queue } from "./queue.js";
import { Timer } from "./timer.js";
import { scheduleOfTrigger } from "./trigger-schedule.js";

interface Collaborators {
  database: Database;
  events: EventLog;
  queue: Queue;
  clock: Clock;
  logger: Logger;
}

/** So many triggers share one transaction when many are due at once: few commits, and none that takes long. */
const GROUP = 250;
/** Rows of the ledger that one transaction writes, about; after a long downtime there are many such transactions. */
const MAX_DEMANDS = 2000;
/** Of them, so many for one trigger. */
const MAX_DUE = 1000;
const RETRY_AFTER_MS = 1000;

const WITHDRAWN: Verdict = {
  status: "skipped",
  reason: { code: "disabled", text: "It, or a batch before it, was disabled or deleted before it could start." },
};

export class Scheduler {
  private readonly timer: Timer;
  private firing: Promise<void> | null = null;
  /** The instant that the timer is set to; Infinity: none. */
  private bell = Infinity;
  /** Counts the changes of the plan that this process made. */
  private armings = 0;
  /** Triggers that could not be fired, with the instant of the next try. */
  private readonly failed = new Map<number, number>();
  private closed = false;

  constructor(private readonly with_: Collaborators) {
    this.timer = new Timer(with_.clock, () => void this.ring());
  }

  /** Sets the timer to what is planned next. To be called now and again: another process may have changed the plan. */
  async look(): Promise<void> {
    let seen;
    do {
      if (this.closed || this.firing) return;
      seen = this.armings;
      const next = await this.with_.database.read((manager) => firstWatermark(manager, [...this.failed.keys()]));
      // What was planned while we read is not in what we have read.
      if (seen === this.armings) this.setBell(earliest([next, ...this.failed.values()]));
    } while (seen !== this.armings);
  }

  /** Waits for the occurrences that are just being written. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer.close();
    await this.firing;
  }

  /**
   * Plans the first occurrence after now of each trigger; it counts from the commit on.
   *
   * @param orNever a trigger without one is simply not planned
   * @throws AppError `invalid` if one has none
   */
  async arm(transaction: Transaction, triggers: Trigger[], { orNever = false } = {}): Promise<void> {
    // The clock may have been set back since: what has its row already is never planned again.
    const last = await lastOccurrences(
      transaction.manager,
      triggers.map(({ id }) => id),
    );
    const now = this.with_.clock.now();
    const plan = new Map<number, number | null>();
    for (const trigger of triggers) {
      const at = nextOccurrence(scheduleOfTrigger(trigger), Math.max(now, last.get(trigger.id) ?? lastEvent(trigger)));
      if (at === null && !orNever)
        throw new AppError("invalid", "The schedule has no occurrence any more.", { reason: "never_fires" });
      plan.set(trigger.id, at);
    }
    await setWatermarks(transaction.manager, plan, { endGap: true });
    const first = earliest([...plan.values()]);
    transaction.afterCommit(() => {
      this.armings++;
      if (this.firing === null && first < this.bell) this.setBell(first);
    });
  }

  /**
   * Takes triggers out of the plan, from the commit on, and remembers since which occurrence. What fell due before and has
   * no row yet gets one that says why it does not run.
   */
  async disarm(transaction: Transaction, ids: number[]): Promise<void> {
    const due = await selectByIds(transaction.manager, Trigger, ids, { lock: true });
    for (const trigger of due) await this.closeBacklog(transaction, trigger);
    await pauseTriggers(transaction.manager, ids);
  }

  /** Writes what has fallen due of a trigger by now, as if it fired at this very moment: before its schedule changes. */
  async catchUp(transaction: Transaction, id: number): Promise<void> {
    while ((await this.fireIn(transaction, [id])) > 0);
  }

  private async closeBacklog(transaction: Transaction, trigger: Trigger): Promise<void> {
    const now = this.with_.clock.now();
    if (trigger.nextAt === null || trigger.nextAt > now) return;
    const batch = (await batchesOf(transaction.manager, [trigger])).get(trigger.batchId);
    if (batch === undefined) return;
    let next: number | null = trigger.nextAt;
    while (next !== null && next <= now) {
      const portion = fallingDue(trigger, batch, { from: next, now, limit: MAX_DUE, verdict: WITHDRAWN });
      await this.with_.queue.enqueue(transaction, portion.demands);
      await this.with_.events.append(transaction, ...portion.events);
      next = portion.next;
    }
    await setWatermarks(transaction.manager, new Map([[trigger.id, next]]));
  }

  private setBell(at: number): void {
    this.bell = at;
    if (!this.closed) this.timer.set(at === Infinity ? null : at);
  }

  private async ring(): Promise<void> {
    this.bell = Infinity;
    this.firing = this.fireDue();
    await this.firing;
    this.firing = null;
    await this.look().catch((error: unknown) => {
      this.with_.logger.error({ err: error }, "the plan could not be read; it is tried again");
    });
  }

  /** Fires group after group until nothing is due any more. */
  private async fireDue(): Promise<void> {
    try {
      while (!this.closed) {
        const now = this.with_.clock.now();
        for (const [id, at] of this.failed) if (at <= now) this.failed.delete(id);
        const ids = await this.with_.database.read((manager) =>
          dueTriggers(manager, now, GROUP, [...this.failed.keys()]),
        );
        if (ids.length === 0) return;
        // One that cannot be fired must not keep the others of its group from it.
        if (!(await this.tryToFire(ids))) for (const id of ids) if (!(await this.tryToFire([id]))) this.postpone(id);
      }
    } catch (error) {
      this.with_.logger.error({ err: error }, "the plan could not be read; it is tried again");
    }
  }

  private postpone(id: number): void {
    this.failed.set(id, this.with_.clock.now() + RETRY_AFTER_MS);
  }

  private async tryToFire(ids: number[]): Promise<boolean> {
    try {
      await this.fire(ids);
      return true;
    } catch (error) {
      this.with_.logger.error({ err: error, triggers: ids.length }, "firing failed; it is tried again");
      return false;
    }
  }

  private async fire(ids: number[]): Promise<void> {
    await this.with_.database.write((transaction) => this.fireIn(transaction, ids));
  }

  /** Writes the due occurrences of these triggers and moves their watermarks. @returns how many occurrences that was */
  private async fireIn(transaction: Transaction, ids: number[]): Promise<number> {
    const { manager } = transaction;
    const now = this.with_.clock.now();
    const triggers = await selectByIds(manager, Trigger, ids, { lock: true });
    const batches = await batchesOf(manager, triggers);
    const demands: Demand[] = [];
    const events: NewEvent[] = [];
    const watermarks = new Map<number, number | null>();
    const served: Trigger[] = [];
    for (const trigger of triggers) {
      const batch = batches.get(trigger.batchId);
      // Disabled, or fired by another process, since it was found due.
      if (batch === undefined || trigger.nextAt === null || trigger.nextAt > now) continue;
      // Enough for one transaction: the others stay due, and come next.
      if (demands.length + events.length >= MAX_DEMANDS) break;
      const fallen = fallingDue(trigger, batch, { from: trigger.nextAt, now, limit: MAX_DUE });
      demands.push(...fallen.demands);
      events.push(...fallen.events);
      watermarks.set(trigger.id, fallen.next);
      if (fallen.served) served.push(trigger);
    }
    await this.with_.queue.enqueue(transaction, demands);
    await this.with_.events.append(transaction, ...events);
    await setWatermarks(manager, watermarks, { firedAt: now });
    await removeServed(transaction, served, this.with_.events);
    return demands.length + events.length;
  }
}

/** The batches that these triggers run, by id; under null: none. */
async function batchesOf(manager: EntityManager, triggers: Trigger[]): Promise<Map<number | null, Batch | null>> {
  const ids = [...new Set(triggers.filter(isOfBatch).map(({ batchId }) => batchId))];
  const batches = await selectByIds(manager, Batch, ids);
  return new Map<number | null, Batch | null>([[null, null], ...batches.map((batch) => [batch.id, batch] as const)]);
}

/** Of one that runs nothing: when it fired last. It has no row that would tell. */
function lastEvent({ batchId, lastFiredAt }: Trigger): number {
  return batchId === null ? (lastFiredAt ?? 0) : 0;
}

function earliest(instants: (number | null)[]): number {
  return instants.reduce<number>((first, at) => Math.min(first, at ?? Infinity), Infinity);
}
