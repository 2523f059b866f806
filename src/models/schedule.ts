// When a schedule is due: exact instants, also where the clocks of its zone change. Pure arithmetic without a clock.
import { cronPattern } from "./cron-expression.js";
import type { CronPattern } from "./cron-expression.js";
import { ScheduleError } from "./schedule-error.js";
import { segmentAt } from "./time-zone.js";
import type { ZoneSegment } from "./time-zone.js";

export { ScheduleError };

/**
 * What a fixed local time means when a clock change removes it or doubles it. `next_valid`: it runs at the first
 * instant after the gap, and the first time only. `skip`: not at all, and the first time only. `both`: at the first
 * instant after the gap, and both times. Expressions with a wildcard in the time of day follow real time instead.
 */
export type DstRule = "next_valid" | "skip" | "both";

/** `at` is an instant in epoch ms. */
export type Schedule =
  { kind: "cron"; expression: string; timeZone: string; dst: DstRule } | { kind: "once"; at: number };

type CronSchedule = Extract<Schedule, { kind: "cron" }>;

const EARLIEST = Date.UTC(1900, 0, 1);
const LATEST = Date.UTC(3000, 0, 1);

/**
 * The first instant (epoch ms) strictly later than `after` (epoch ms) at which the schedule is due; null when there is
 * none. Cron schedules are looked at from the year 1900 up to 3000. Throws ScheduleError for an invalid schedule.
 */
export function nextOccurrence(schedule: Schedule, after: number): number | null {
  if (Number.isNaN(after)) throw new ScheduleError("The next occurrence can only be computed after a point in time.");
  if (schedule.kind === "once") return schedule.at > after ? schedule.at : null;
  const pattern = cronPattern(schedule.expression);
  let from = Math.max(Math.floor(after) + 1, EARLIEST);
  while (from < LATEST) {
    const segment = segmentAt(schedule.timeZone, from);
    if (from === segment.start && catchesUpGap(schedule, pattern, segment)) return from;
    const wall = pattern.nextWallTime(firstWall(schedule, pattern, segment, from));
    if (wall === null) return null;
    if (wall < segment.end + segment.offset) return wall - segment.offset;
    from = segment.end;
  }
  return null;
}

/** The first `count` instants after `after`, in order; fewer when the schedule ends before. */
export function nextOccurrences(schedule: Schedule, after: number, count: number): number[] {
  const occurrences: number[] = [];
  while (occurrences.length < count) {
    const next = nextOccurrence(schedule, occurrences.at(-1) ?? after);
    if (next === null) break;
    occurrences.push(next);
  }
  return occurrences;
}

/** Whether the clocks jumped forward over a fixed time at the segment's start, and the rule wants it made up for. */
function catchesUpGap(schedule: CronSchedule, pattern: CronPattern, segment: ZoneSegment): boolean {
  if (!pattern.fixed || schedule.dst === "skip" || segment.offset <= segment.offsetBefore) return false;
  const removed = pattern.nextWallTime(segment.start + segment.offsetBefore);
  return removed !== null && removed < segment.start + segment.offset;
}

/** The wall time to search from: that of `from`, or after the wall times that a step backwards shows a second time. */
function firstWall(schedule: CronSchedule, pattern: CronPattern, segment: ZoneSegment, from: number): number {
  const wall = from + segment.offset;
  const repeats = !pattern.fixed || schedule.dst === "both";
  return repeats ? wall : Math.max(wall, segment.start + segment.offsetBefore);
}
