// How often a schedule is due: the shortest time between two of its planned instants.
import { nextOccurrence, type Schedule } from "./schedule.js";

/** So many of its instants are looked at, over so long at the most, but a few in any case: rare ones are costly to find. */
const MOST = 120;
const FEW = 4;
const REACH_MS = 2 * 86_400_000;

/** The shortest time in ms between two of the next planned instants after `after`; null if there are no two. */
export function shortestPause(schedule: Schedule, after: number): number | null {
  let shortest: number | null = null;
  const first = nextOccurrence(schedule, after);
  let last = first;
  for (let seen = 1; first !== null && last !== null && seen < MOST; seen++) {
    if (seen >= FEW && last - first > REACH_MS) break;
    const next = nextOccurrence(schedule, last);
    if (next === null) break;
    shortest = Math.min(shortest ?? Infinity, next - last);
    last = next;
  }
  return shortest;
}
