// The time line of a zone, cut into segments of constant offset; all of it is asked from Intl, which every host has.
import { RecentCache } from "./recent-cache.js";
import { ScheduleError } from "./schedule-error.js";

/**
 * A stretch of real time, `start` inclusive to `end` exclusive (epoch ms), in which the zone's clocks keep one offset.
 * Wall time = instant + `offset` (ms). `offsetBefore` is the offset just before `start`. Where the two are equal the
 * line was only cut for our bookkeeping; a segment may also end without a clock change.
 */
export interface ZoneSegment {
  start: number;
  end: number;
  offset: number;
  offsetBefore: number;
}

type OffsetAt = (instant: number) => number;

interface ZoneLine {
  offsetAt: OffsetAt;
  chunks: RecentCache<number, ZoneSegment[]>;
}

const SECOND_MS = 1000;
// Two clock changes that undo each other within one step would be overlooked. The closest pair on record is 7 days apart
// (Brazil 2000), and so are some foreseen around Ramadan (Gaza 2040).
const STEP_MS = 3 * 24 * 3600 * SECOND_MS;
const CHUNK_MS = 122 * STEP_MS;
const MAX_ZONES = 700;
const MAX_CHUNKS_PER_ZONE = 64;

const zones = new RecentCache<string, ZoneLine>(MAX_ZONES);

const NAME_SHAPE = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/;
// Intl also knows abbreviations that mean different zones to different people (IST, BST, CST) and are not IANA names.
const THREE_LETTER_NAMES = new Set("UTC GMT UCT EST MST HST CET MET EET WET PRC ROC ROK".split(" "));

function hasIanaShape(name: string): boolean {
  if (!NAME_SHAPE.test(name) || /^SystemV\//i.test(name)) return false;
  return !/^[A-Za-z]{3}$/.test(name) || THREE_LETTER_NAMES.has(name.toUpperCase());
}

/** Whether this is the name of an IANA time zone, such as `Europe/Berlin` or `UTC`; an offset (`+01:00`) is not. */
export function isTimeZone(name: string): boolean {
  try {
    zoneLine(name);
    return true;
  } catch {
    return false;
  }
}

/** The segment of the zone's time line that holds this instant (epoch ms). Throws ScheduleError for an unknown zone. */
export function segmentAt(timeZone: string, instant: number): ZoneSegment {
  const { chunks, offsetAt } = zoneLine(timeZone);
  const segments = chunks.getOrMake(Math.floor(instant / CHUNK_MS), (chunk) => cutChunk(offsetAt, chunk));
  const found = segments.find((segment) => instant < segment.end);
  if (!found) throw new ScheduleError("A schedule can only be computed from a point in time.");
  return found;
}

function zoneLine(timeZone: string): ZoneLine {
  return zones.getOrMake(timeZone, (name) => ({
    offsetAt: offsetReader(name),
    chunks: new RecentCache<number, ZoneSegment[]>(MAX_CHUNKS_PER_ZONE),
  }));
}

function offsetReader(timeZone: string): OffsetAt {
  const unknown = `"${timeZone.slice(0, 64)}" is not an IANA time zone: write a name such as Europe/Berlin or UTC.`;
  if (!hasIanaShape(timeZone)) throw new ScheduleError(unknown);
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
    return (instant) => parseOffset(format.format(instant));
  } catch (cause) {
    throw new ScheduleError(unknown, { cause });
  }
}

/** Reads "GMT", "GMT+05:45" or, before zones were standardised, "GMT+00:53:28" at the end of a formatted date. */
function parseOffset(formatted: string): number {
  const [, sign, hours = 0, minutes = 0, seconds = 0] =
    /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(formatted) ?? [];
  const offset = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * SECOND_MS;
  return sign === "-" ? -offset : offset;
}

/**
 * The segments of one chunk of the time line. The first may start before the chunk: a clock change shortly before it
 * still matters, as it repeats or removes wall times that reach into the chunk.
 */
function cutChunk(offsetAt: OffsetAt, chunk: number): ZoneSegment[] {
  const segments: ZoneSegment[] = [];
  const [chunkStart, chunkEnd] = [chunk * CHUNK_MS, (chunk + 1) * CHUNK_MS];
  let start = chunkStart - STEP_MS;
  let offsetBefore = offsetAt(start);
  while (start < chunkEnd) {
    const offset = offsetAt(start);
    const end = endOfOffset(offsetAt, start, chunkEnd);
    segments.push({ start, end, offset, offsetBefore });
    offsetBefore = offset;
    start = end;
  }
  return segments.filter((segment) => segment.end > chunkStart);
}

function endOfOffset(offsetAt: OffsetAt, start: number, limit: number): number {
  const offset = offsetAt(start);
  for (let same = start; same < limit; same += STEP_MS) {
    const probe = Math.min(same + STEP_MS, limit);
    if (offsetAt(probe) !== offset) return firstSecondOfChange(offsetAt, same, probe);
  }
  return limit;
}

/** Halves the stretch between an instant and a later one of another offset down to the second of the change. */
function firstSecondOfChange(offsetAt: OffsetAt, before: number, after: number): number {
  const offset = offsetAt(before);
  let [same, changed] = [before / SECOND_MS, after / SECOND_MS];
  while (changed - same > 1) {
    const middle = Math.floor((same + changed) / 2);
    if (offsetAt(middle * SECOND_MS) === offset) same = middle;
    else changed = middle;
  }
  return changed * SECOND_MS;
}
