// The scheduler: knows the next planned instant of every trigger, and turns each into a row of the ledger on time.
import type { Database } from "../database/database.js";
import { selectByIds } from "../database/plain.js";
import type { Transaction } from "../database/transaction.js";
import { allWatermarks, lastOccurrences, setWatermarks } from "../database/trigger-queries.js";
import { Batch } from "../entities/batch.js";
import { Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { Logger } from "../handlers/logger.js";
import { SYSTEM } from "../models/actor.js";
import { nextOccurrence, type Schedule } from "../models/schedule.js";
import type { Demand, Verdict } from "./demand.js";
import { Heap } from "./heap.js";
import type { Queue } from "./queue.js";
import { Timer } from "./timer.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  clock: Clock;
  logger: Logger;
}

/** So many triggers share one transaction when many are due at once: few commits, and none that takes long. */
const GROUP = 250;
/** Occurrences of one trigger that are written into the ledger after a downtime, at most. */
const MAX_OVERDUE = 1000;
/** Rows of the ledger that one firing writes, about. */
const MAX_DEMANDS = 2000;
const RETRY_AFTER_MS = 1000;

const MISSED: Verdict = {
  status: "missed",
  reason: {
    code: "overdue",
    text: "The service was not running at its time, or its clock was set forward; only the latest such occurrence runs.",
  },
};

export function scheduleOfTrigger(trigger: Trigger): Schedule {
  if (trigger.kind === "once") return { kind: "once", at: trigger.onceAt ?? 0 };
  return { kind: "cron", expression: trigger.expression ?? "", timeZone: trigger.timeZone, dst: trigger.dst };
}

export class Scheduler {
  /** May hold outdated entries; `planned` tells which are true. */
  private readonly heap = new Heap<{ at: number; id: number }>();
  private readonly planned = new Map<number, number>();
  private readonly timer: Timer;
  private firing: Promise<void> | null = null;
  private closed = false;

  constructor(private readonly with_: Collaborators) {
    this.timer = new Timer(with_.clock, () => void this.ring());
  }

  /** Plans every trigger as the database has it. What fell due while the service was down is fired at once. */
  async start(): Promise<void> {
    for (const { id, at } of await this.with_.database.read(allWatermarks)) this.plan(id, at);
    this.rearm();
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
    const plan = new Map<number, number>();
    for (const trigger of triggers) {
      const at = nextOccurrence(scheduleOfTrigger(trigger), Math.max(now, last.get(trigger.id) ?? 0));
      if (at !== null) plan.set(trigger.id, at);
      else if (!orNever)
        throw new AppError("invalid", "The schedule has no occurrence any more.", { reason: "never_fires" });
    }
    await setWatermarks(transaction.manager, plan);
    transaction.afterCommit(() => {
      for (const [id, at] of plan) this.plan(id, at);
      this.rearm();
    });
  }

  /** Takes triggers out of the plan; it counts from the commit on. */
  async disarm(transaction: Transaction, ids: number[]): Promise<void> {
    await setWatermarks(transaction.manager, new Map(ids.map((id) => [id, null])));
    transaction.afterCommit(() => {
      for (const id of ids) this.planned.delete(id);
    });
  }

  private plan(id: number, at: number): void {
    this.planned.set(id, at);
    this.heap.push({ at, id });
  }

  private rearm(): void {
    if (this.closed || this.firing) return;
    this.dropOutdated();
    this.timer.set(this.heap.peek()?.at ?? null);
  }

  private dropOutdated(): void {
    for (let first = this.heap.peek(); first; first = this.heap.peek()) {
      if (this.planned.get(first.id) === first.at) return;
      this.heap.pop();
    }
  }

  private async ring(): Promise<void> {
    this.firing = this.fireDue();
    await this.firing;
    this.firing = null;
    this.rearm();
  }

  /** Fires group after group until nothing is due any more. */
  private async fireDue(): Promise<void> {
    for (let ids = this.takeDue(); ids.length > 0 && !this.closed; ids = this.takeDue()) {
      // One that cannot be fired must not keep the others of its group from it.
      if (!(await this.tryToFire(ids))) for (const id of ids) await this.tryToFire([id], true);
    }
  }

  /** @param again true: what cannot be fired is planned anew, a little later */
  private async tryToFire(ids: number[], again = false): Promise<boolean> {
    try {
      for (const [id, at] of await this.fire(ids)) if (at !== null) this.plan(id, at);
      return true;
    } catch (error) {
      this.with_.logger.error({ err: error, triggers: ids.length }, "firing failed; it is tried again");
      if (again) for (const id of ids) this.plan(id, this.with_.clock.now() + RETRY_AFTER_MS);
      return false;
    }
  }

  private takeDue(): number[] {
    const now = this.with_.clock.now();
    const ids: number[] = [];
    this.dropOutdated();
    for (let first = this.heap.peek(); first && first.at <= now && ids.length < GROUP; first = this.heap.peek()) {
      this.heap.pop();
      this.planned.delete(first.id);
      ids.push(first.id);
      this.dropOutdated();
    }
    return ids;
  }

  /** Writes the due occurrences of these triggers and moves their watermarks, in one transaction. */
  private fire(ids: number[]): Promise<Map<number, number | null>> {
    return this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      const now = this.with_.clock.now();
      const triggers = await selectByIds(manager, Trigger, ids, { lock: true });
      const batchIds = [...new Set(triggers.map((trigger) => trigger.batchId))];
      const batches = new Map((await selectByIds(manager, Batch, batchIds)).map((batch) => [batch.id, batch]));
      const demands: Demand[] = [];
      const watermarks = new Map<number, number | null>();
      const later = new Map<number, number>();
      for (const trigger of triggers) {
        const batch = batches.get(trigger.batchId);
        // Disabled, or fired by somebody else, since it was planned here.
        if (!batch || trigger.nextAt === null) continue;
        // Enough for one transaction after a long downtime: the others stay due, and come next.
        if (demands.length >= MAX_DEMANDS) {
          later.set(trigger.id, trigger.nextAt);
          continue;
        }
        const { due, next } = overdue(trigger, trigger.nextAt, now);
        due.forEach((at, i) => demands.push(demandOf(batch, trigger, at, i === due.length - 1)));
        watermarks.set(trigger.id, next);
      }
      await this.with_.queue.enqueue(transaction, demands);
      await setWatermarks(manager, watermarks);
      return new Map([...watermarks, ...later]);
    });
  }
}

/**
 * The planned instants from the watermark up to now, and the one after them; computed from the plan, not the clock.
 * Of more than a thousand the oldest and the very latest are listed: it is the one that runs.
 */
function overdue(trigger: Trigger, watermark: number, now: number): { due: number[]; next: number | null } {
  const schedule = scheduleOfTrigger(trigger);
  const due: number[] = [];
  let next: number | null = watermark;
  while (next !== null && next <= now && due.length < MAX_OVERDUE) {
    due.push(next);
    next = nextOccurrence(schedule, next);
  }
  if (next === null || next > now) return { due, next };
  return { due: [...due.slice(0, -1), latestUpTo(schedule, now)], next: nextOccurrence(schedule, now) };
}

/** The last occurrence not after `now`, of a schedule that has one: looked for in a window that grows until one is in it. */
function latestUpTo(schedule: Schedule, now: number): number {
  for (let windowMs = 1000; ; windowMs *= 2) {
    let latest: number | null = null;
    for (
      let at = nextOccurrence(schedule, now - windowMs);
      at !== null && at <= now;
      at = nextOccurrence(schedule, at)
    ) {
      latest = at;
    }
    if (latest !== null) return latest;
  }
}

function demandOf(batch: Batch, trigger: Trigger, scheduledAt: number, latest: boolean): Demand {
  return {
    batch,
    source: "schedule",
    actor: SYSTEM,
    occurrence: { triggerId: trigger.id, triggerKind: trigger.kind, scheduledAt },
    chain: "start",
    ...(latest ? {} : { verdict: MISSED }),
  };
}
