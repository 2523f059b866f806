// The clock changes of a zone that are to come, and what a schedule does around each.
import { z } from "zod";
import { nextOccurrences, type Schedule } from "./schedule.js";
import { instantSchema, toInstant } from "./shapes.js";
import { segmentAt } from "./time-zone.js";

/** Zones that change their clocks at all do so within this. */
const REACH_MS = 2 * 366 * 86_400_000;
const AROUND_MS = 3 * 3_600_000;
const SHOWN_RUNS = 20;

export const clockChangeSchema = z
  .object({
    at: instantSchema,
    text: z.string().meta({ description: "What the clocks do, in a sentence." }),
    runs: z.array(instantSchema).meta({ description: "The planned instants within three hours of it, at most 20." }),
  })
  .meta({ id: "ClockChange", description: "A moment at which a zone's clocks go forward or back." });
/** A clock change as the API answers it. */
export type ClockChange = z.infer<typeof clockChangeSchema>;

/** The next `count` clock changes of a zone after an instant (ms since 1970), with the runs of `schedule` around each. */
export function clockChanges(timeZone: string, schedule: Schedule | null, after: number, count: number): ClockChange[] {
  const changes: ClockChange[] = [];
  let segment = segmentAt(timeZone, after);
  while (changes.length < count && segment.end < after + REACH_MS) {
    segment = segmentAt(timeZone, segment.end);
    const { start, offset, offsetBefore } = segment;
    if (offset === offsetBefore || start <= after) continue;
    const [from, to] = [wallClock(start + offsetBefore), wallClock(start + offset)];
    const way = offset > offsetBefore ? "forward" : "back";
    const runs = schedule ? nextOccurrences(schedule, start - AROUND_MS - 1, SHOWN_RUNS) : [];
    changes.push({
      at: toInstant(start),
      text: `On ${from.day} at ${from.time} the clocks of ${timeZone} go ${way} to ${to.time}.`,
      runs: runs.filter((at) => at <= start + AROUND_MS).map((at) => toInstant(at)),
    });
  }
  return changes;
}

function wallClock(wall: number): { day: string; time: string } {
  const [day = "", time = ""] = toInstant(wall).split("T");
  return { day, time: time.slice(0, 5) };
}
