// The schedule read backwards: its last planned instant up to another one.
import { nextOccurrence, type Schedule } from "./schedule.js";

/**
 * The latest planned instant from `from` up to `upTo`, all in ms since 1970; null if there is none. It takes some
 * dozens of steps however far back it lies and however many lie before it.
 */
export function lastOccurrence(schedule: Schedule, upTo: number, from: number): number | null {
  let found = firstOfGrowingWindow(schedule, upTo, from);
  if (found === null) return null;
  // Behind `found` there may be more, behind `high` there is none: they close in on each other.
  for (let high = upTo; found < high;) {
    const middle: number = Math.floor((found + high) / 2);
    const next = nextOccurrence(schedule, middle);
    if (next !== null && next <= upTo) found = next;
    else if (middle > found) high = middle;
    else return found;
  }
  return found;
}

/** The first occurrence in the shortest of ever longer windows before `upTo` that has one. */
function firstOfGrowingWindow(schedule: Schedule, upTo: number, from: number): number | null {
  for (let windowMs = 1000; ; windowMs *= 2) {
    const start = Math.max(from, upTo - windowMs);
    const first = nextOccurrence(schedule, start - 1);
    if (first !== null && first <= upTo) return first;
    if (start === from) return null;
  }
}
