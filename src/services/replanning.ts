// Replanning: the trigger that a batch's config makes follows it, in the transaction that changes it.
import { insertRows } from "../database/plain.js";
import type { Transaction } from "../database/transaction.js";
import type { Batch } from "../entities/batch.js";
import { Trigger } from "../entities/trigger.js";
import type { Clock } from "../handlers/clock.js";
import type { Scheduler } from "../jobs/scheduler.js";
import { scheduleOfTrigger } from "../jobs/trigger-schedule.js";
import { scheduleOf, type BatchConfig } from "../models/batch-config.js";
import { nextOccurrence, type Schedule } from "../models/schedule.js";
import { newTrigger, scheduleColumns, type ScheduleColumns } from "./new-trigger.js";

export class Replanning {
  constructor(private readonly with_: { scheduler: Scheduler; clock: Clock }) {}

  /** Plans a batch that was just made, if it has a schedule. */
  async begin(transaction: Transaction, batch: Batch): Promise<void> {
    const schedule = scheduleOf(batch.config);
    if (schedule) await this.insert(transaction, batch, schedule);
  }

  /** Has what fell due by now leave its rows: before the config changes, so that it runs as it was planned. */
  async settle(transaction: Transaction, batch: Batch): Promise<void> {
    const trigger = await transaction.manager.findOneBy(Trigger, { batchId: batch.id, ofConfig: true });
    if (trigger) await this.with_.scheduler.catchUp(transaction, trigger.id);
  }

  /**
   * Plans a batch anew whose config has changed. A pause that is under way begins anew, for the instants of the old
   * schedule mean nothing any more.
   */
  async follow(transaction: Transaction, batch: Batch): Promise<void> {
    const { manager } = transaction;
    const schedule = scheduleOf(batch.config);
    const trigger = await manager.findOneBy(Trigger, { batchId: batch.id, ofConfig: true });
    if (!trigger) {
      if (schedule) await this.insert(transaction, batch, schedule);
      return;
    }
    const columns = schedule && scheduleColumns(schedule);
    if (columns && isSame(trigger, columns)) return;
    if (!columns) {
      await manager.delete(Trigger, { id: trigger.id });
      return;
    }
    const edit = { ...columns, revision: trigger.revision + 1, updatedAt: this.with_.clock.now() };
    await manager.update(Trigger, { id: trigger.id }, edit);
    await this.plan(transaction, batch, Object.assign(trigger, edit));
  }

  private async insert(transaction: Transaction, batch: Batch, schedule: Schedule): Promise<void> {
    const createdAt = this.with_.clock.now();
    const trigger = newTrigger({ ...scheduleColumns(schedule), batchId: batch.id, createdAt });
    await insertRows(transaction.manager, Trigger, [trigger]);
    await this.plan(transaction, batch, trigger);
  }

  /**
   * Puts a trigger with a schedule into the plan, from now on; or, where it or its batch is disabled, keeps where the
   * pause begins.
   *
   * @throws AppError `invalid` if it never fires
   */
  async plan(transaction: Transaction, batch: Pick<Batch, "enabled"> | null, trigger: Trigger): Promise<void> {
    if (trigger.enabled && (batch?.enabled ?? true)) return this.with_.scheduler.arm(transaction, [trigger]);
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
