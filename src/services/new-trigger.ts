// A fresh row of the triggers: what is said of it, and for all else that nothing is said.
import { Trigger } from "../entities/trigger.js";
import type { Schedule } from "../models/schedule.js";

type Said = Pick<Trigger, "batchId" | "createdAt"> & ScheduleColumns & Partial<Trigger>;

/** The columns that make up when a trigger fires. */
export type ScheduleColumns = Pick<Trigger, "kind" | "expression" | "timeZone" | "dst" | "onceAt">;

export function newTrigger(said: Said): Trigger {
  const names = { name: null, description: null, createdBy: null, ofConfig: true, enabled: true, test: false };
  const plan = { nextAt: null, gapFrom: null, version: null, lastFiredAt: null };
  const firing = { payloadSchema: null, tokenHash: null, tokenPrefix: null, secrets: null };
  const revision = { revision: 1, updatedAt: said.createdAt };
  return Object.assign(new Trigger(), { ...names, ...plan, ...firing, ...revision, ...said });
}

export function scheduleColumns(schedule: Schedule): ScheduleColumns {
  if (schedule.kind === "once") {
    return { kind: "once", expression: null, timeZone: "UTC", dst: "next_valid", onceAt: schedule.at };
  }
  const { expression, timeZone, dst } = schedule;
  return { kind: "cron", expression, timeZone, dst, onceAt: null };
}
