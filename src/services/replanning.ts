// Replanning: a batch's trigger follows its config, in the transaction that changes it.
import type { Transaction } from "../database/transaction.js";
import type { Batch } from "../entities/batch.js";
import { Trigger } from "../entities/trigger.js";
import type { Clock } from "../handlers/clock.js";
import type { Scheduler } from "../jobs/scheduler.js";
import { scheduleOfTrigger } from "../jobs/trigger-schedule.js";
import { scheduleOf, type BatchConfig } from "../models/batch-config.js";
import { nextOccurrence, type Schedule } from "../models/schedule.js";

type ScheduleColumns = Pick<Trigger, "kind" | "expression" | "timeZone" | "dst" | "onceAt">;

export class Replanning {
  constructor(private readonly with_: { scheduler: Scheduler; clock: Clock }) {}

  /** Plans a batch that was just made, if it has a schedule. */
  async begin(transaction: Transaction, batch: Batch): Promise<void> {
    const schedule = scheduleOf(batch.config);
    if (schedule) await this.insert(transaction, batch, schedule);
  }

  /** Has what fell due by now leave its rows: before the config changes, so that it runs as it was planned. */
  async settle(transaction: Transaction, batch: Batch): Promise<void> {
    const trigger = await transaction.manager.findOneBy(Trigger, { batchId: batch.id });
    if (trigger) await this.with_.scheduler.catchUp(transaction, trigger.id);
  }

  /**
   * Plans a batch anew whose config has changed. A pause that is under way begins anew, for the instants of the old
   * schedule mean nothing any more.
   */
  async follow(transaction: Transaction, batch: Batch): Promise<void> {
    const { manager } = transaction;
    const schedule = scheduleOf(batch.config);
    const trigger = await manager.findOneBy(Trigger, { batchId: batch.id });
    if (!trigger) {
      if (schedule) await this.insert(transaction, batch, schedule);
      return;
    }
    const columns = schedule && columnsFor(schedule);
    if (columns && isSame(trigger, columns)) return;
    if (!columns) {
      await manager.delete(Trigger, { id: trigger.id });
      return;
    }
    await manager.update(Trigger, { id: trigger.id }, columns);
    await this.plan(transaction, batch, Object.assign(trigger, columns));
  }

  private async insert(transaction: Transaction, batch: Batch, schedule: Schedule): Promise<void> {
    const createdAt = this.with_.clock.now();
    const free = { nextAt: null, gapFrom: null, version: null };
    const trigger = Object.assign(new Trigger(), { ...columnsFor(schedule), ...free, batchId: batch.id, createdAt });
    await transaction.manager.insert(Trigger, trigger);
    await this.plan(transaction, batch, trigger);
  }

  private async plan(transaction: Transaction, batch: Batch, trigger: Trigger): Promise<void> {
    if (batch.enabled) return this.with_.scheduler.arm(transaction, [trigger]);
    const gapFrom = nextOccurrence(scheduleOfTrigger(trigger), this.with_.clock.now());
    await transaction.manager.update(Trigger, { id: trigger.id }, { nextAt: null, gapFrom });
  }
}

/** Whether a config has an occurrence left after `now`; one without a schedule needs none. */
export function canFire(config: BatchConfig, now: number): boolean {
  const schedule = scheduleOf(config);
  return schedule === null || nextOccurrence(schedule, now) !== null;
}

function isSame(trigger: Trigger, columns: ScheduleColumns): boolean {
  return (Object.keys(columns) as (keyof ScheduleColumns)[]).every((key) => trigger[key] === columns[key]);
}

function columnsFor(schedule: Schedule): ScheduleColumns {
  if (schedule.kind === "once") {
    return { kind: "once", expression: null, timeZone: "UTC", dst: "next_valid", onceAt: schedule.at };
  }
  const { expression, timeZone, dst } = schedule;
  return { kind: "cron", expression, timeZone, dst, onceAt: null };
}
