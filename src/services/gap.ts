// The gap of a pause: the planned instants that left no row because the batch was disabled.
import type { Trigger } from "../entities/trigger.js";
import { scheduleOfTrigger } from "../jobs/trigger-schedule.js";
import { nextOccurrence } from "../models/schedule.js";

export interface Gap {
  /** Planned instants, in ms since 1970, oldest first. */
  instants: number[];
  /** True if there are more than were asked for. */
  more: boolean;
}

/** The occurrences of a disabled trigger that have passed by `now` without a row, one after the other. */
export function* gapInstants(trigger: Trigger, now: number): Generator<number> {
  const schedule = scheduleOfTrigger(trigger);
  for (let at = trigger.gapFrom; at !== null && at <= now; at = nextOccurrence(schedule, at)) yield at;
}

/** The first `max` occurrences of a disabled trigger that have passed by `now` without a row. */
export function gapOccurrences(trigger: Trigger, now: number, max: number): Gap {
  const instants: number[] = [];
  for (const at of gapInstants(trigger, now)) {
    if (instants.length === max) return { instants, more: true };
    instants.push(at);
  }
  return { instants, more: false };
}
