// Misfires: what becomes of occurrences that could not start in time, because the service was down or the clock jumped.
import { parseDuration } from "./duration.js";
import { lastOccurrence } from "./last-occurrence.js";
import { nextOccurrence, type Schedule } from "./schedule.js";

/** What a config says about late occurrences; durations in milliseconds. */
export interface MisfireRule {
  policy: "fire_once" | "skip" | "catch_up";
  /** An occurrence that starts no later than this is on time. If none is later, there is no misfire. */
  withinMs: number;
  /** What is later than this is missed under any policy. */
  windowMs: number;
  /** `catch_up` runs at most so many: the newest. */
  max: number;
}

/** What becomes of one occurrence. `catch_up`: it runs, in line behind the others that are caught up. */
export type Fate = "run" | "catch_up" | "missed";

export interface DueOccurrence {
  /** The planned instant, in ms since 1970. */
  at: number;
  fate: Fate;
}

const CATCH_UP_WINDOW_MS = 86_400_000;
const CATCH_UP_MAX = 100;

interface MisfireConfig {
  misfire:
    MisfireRule["policy"] | { policy: MisfireRule["policy"]; window?: string | undefined; max?: number | undefined };
  misfireWithin: string;
}

export function misfireRule({ misfire, misfireWithin }: MisfireConfig): MisfireRule {
  const {
    policy,
    window,
    max = CATCH_UP_MAX,
  } = typeof misfire === "string" ? { policy: misfire, window: undefined } : misfire;
  const unsaid = policy === "catch_up" ? CATCH_UP_WINDOW_MS : Infinity;
  const windowMs = window === undefined ? unsaid : (parseDuration(window) ?? unsaid);
  return { policy, withinMs: parseDuration(misfireWithin) ?? 0, windowMs, max };
}

/**
 * The planned instants from `watermark` up to `now` with what becomes of each, and the one after them: computed from the
 * plan, never from the clock. At most `limit` of them and those on time that follow; the others follow from the next
 * watermark on.
 */
export function dueOccurrences(
  schedule: Schedule,
  watermark: number,
  { now, rule, limit }: { now: number; rule: MisfireRule; limit: number },
): { due: DueOccurrence[]; next: number | null } {
  const late = now - rule.withinMs;
  const instants: number[] = [];
  let next: number | null = watermark;
  // Those on time are not parted from the late ones before them: alone they would look like a hiccup, and all run.
  while (next !== null && next <= now && (instants.length < limit || (watermark < late && next >= late))) {
    instants.push(next);
    next = nextOccurrence(schedule, next);
  }
  const fate = fateReader(schedule, watermark, now, rule);
  return { due: instants.map((at) => ({ at, fate: fate(at) })), next };
}

/** Decides about each of the occurrences from `watermark` up to `now`. */
function fateReader(schedule: Schedule, watermark: number, now: number, rule: MisfireRule): (at: number) => Fate {
  const { policy, withinMs, windowMs, max } = rule;
  const late = now - withinMs;
  // A hiccup: none is late.
  if (watermark >= late) return () => "run";
  if (policy === "skip") return (at) => (at < late ? "missed" : "run");
  const from = Math.max(watermark, now - windowMs);
  // After a downtime the newest stands for all before it, be some of them just on time: one run, not a burst.
  const newest = newestUpTo(schedule, now, { from, count: policy === "fire_once" ? 1 : max });
  const runsFrom = newest[0] ?? Infinity;
  if (policy === "fire_once") return (at) => (at < runsFrom ? "missed" : "run");
  // One on time stands in line too: else the overlap policy would skip it because of those that are caught up.
  return (at) => (at >= runsFrom ? "catch_up" : at >= late ? "run" : "missed");
}

/** The last `count` occurrences in `from <= at <= now`, oldest first. */
function newestUpTo(schedule: Schedule, now: number, { from, count }: { from: number; count: number }): number[] {
  const last = lastOccurrence(schedule, now, from);
  if (last === null || count === 1) return last === null ? [] : [last];
  // The others lie close before it, mostly: in a window that grows until they are in it.
  for (let windowMs = 1000; ; windowMs *= 2) {
    const start = Math.max(from, last - windowMs);
    const found: number[] = [];
    for (let at = nextOccurrence(schedule, start - 1); at !== null && at <= now; at = nextOccurrence(schedule, at)) {
      found.push(at);
    }
    if (found.length >= count || start === from) return found.slice(-count);
  }
}
