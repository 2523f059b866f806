// The schedule that a trigger's row stands for.
import type { Trigger } from "../entities/trigger.js";
import type { Schedule } from "../models/schedule.js";

/** @throws Error if it has none, because it waits to be fired */
export function scheduleOfTrigger(trigger: Trigger): Schedule {
  if (trigger.kind === "api") throw new Error(`trigger ${trigger.id} has no schedule`);
  if (trigger.kind === "once") return { kind: "once", at: trigger.onceAt ?? 0 };
  return { kind: "cron", expression: trigger.expression ?? "", timeZone: trigger.timeZone, dst: trigger.dst };
}
