// Random schedules held against a brute-force scan of real time: every minute, read off Intl's clock, one by one.
// Nothing here is shared with the code under test: another reading of the zone, of the fields and of the DST rule.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainCron } from "../../src/models/cron-expression.js";
import { nextOccurrence } from "../../src/models/schedule.js";
import type { DstRule } from "../../src/models/schedule.js";

const RUNS = 250;
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** The wall clock of one minute of real time; `wall` is that clock's reading as if it were UTC. */
interface Tick {
  instant: number;
  wall: number;
}

function ticksAround(zone: string, change: string): Tick[] {
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const middle = Date.parse(`${change}T00:00Z`);
  const ticks: Tick[] = [];
  for (let instant = middle - 2 * DAY; instant < middle + 2 * DAY; instant += MINUTE) {
    ticks.push({ instant, wall: Date.parse(`${clock.format(instant).replace(" ", "T")}Z`) });
  }
  return ticks;
}

type Bounds = readonly [low: number, high: number];
const MINUTES: Bounds = [0, 59];
const HOURS: Bounds = [0, 23];
const DAYS: Bounds = [1, 31];
const MONTHS: Bounds = [1, 12];
const WEEKDAYS: Bounds = [0, 6];

/** The values that a field of numbers, ranges, steps and stars stands for, in order. */
function valuesOf(text: string, [low, high]: Bounds): number[] {
  const values = Array.from({ length: high - low + 1 }, (_, i) => low + i);
  return values.filter((value) =>
    text.split(",").some((element) => {
      const [range = "", step] = element.split("/");
      const [from = low, to = step === undefined ? from : high] =
        range === "*" ? [low, high] : range.split("-").map(Number);
      return value >= from && value <= to && (value - from) % Number(step ?? 1) === 0;
    }),
  );
}

function isDayOfMonth(text: string, date: Date): boolean {
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return text.split(",").some((element) => {
    if (element === "L") return day === last;
    if (!element.endsWith("W")) return valuesOf(element, DAYS).includes(day);
    const wanted = element === "LW" ? last : parseInt(element, 10);
    // The nearest working day of the same month: try the day itself, then one and two days to either side.
    const nearest = [0, -1, 1, -2, 2]
      .map((shift) => wanted + shift)
      .find((each) => each >= 1 && each <= last && new Date(Date.UTC(year, month, each)).getUTCDay() % 6 !== 0);
    return wanted <= last && day === nearest;
  });
}

function isDayOfWeek(text: string, date: Date): boolean {
  const day = date.getUTCDate();
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return text.split(",").some((element) => {
    const same = valuesOf(element.replace(/L|#\d/, ""), WEEKDAYS).includes(date.getUTCDay());
    if (element.endsWith("L")) return same && day + 7 > last;
    const [, nth] = element.split("#");
    return same && (nth === undefined || Math.ceil(day / 7) === Number(nth));
  });
}

/** Five fields as a question to a wall time; days are looked at once each. */
function matcher([minute = "", hour = "", ...days]: readonly string[]): (wall: number) => boolean {
  const timesOfDay = new Set<number>();
  for (const h of valuesOf(hour, HOURS))
    for (const m of valuesOf(minute, MINUTES)) timesOfDay.add((h * 60 + m) * MINUTE);
  const known = new Map<number, boolean>();
  return (wall) => {
    const timeOfDay = wall % DAY;
    if (!timesOfDay.has(timeOfDay)) return false;
    const day = wall - timeOfDay;
    const matches = known.get(day) ?? isDay(days, new Date(day));
    known.set(day, matches);
    return matches;
  };
}

function isDay([dayOfMonth = "", month = "", dayOfWeek = ""]: readonly string[], date: Date): boolean {
  if (!valuesOf(month, MONTHS).includes(date.getUTCMonth() + 1)) return false;
  const [byMonth, byWeek] = [isDayOfMonth(dayOfMonth, date), isDayOfWeek(dayOfWeek, date)];
  return dayOfMonth !== "*" && dayOfWeek !== "*" ? byMonth || byWeek : byMonth && byWeek;
}

/** The rule in words, minute by minute: what each real minute brings, given all minutes before it. */
function dueByScan(ticks: readonly Tick[], expression: string, dst: DstRule): number[] {
  const words = expression.split(" ");
  const second = words.length === 6 ? (words.shift() ?? "") : "0";
  const fixed = ![second, words[0], words[1]].some((field) => field?.includes("*"));
  const [seconds, matches] = [valuesOf(second, MINUTES), matcher(words)];
  const due = new Set<number>();
  const shown = new Set<number>();
  let expected = ticks[0]?.wall ?? 0;
  for (const { instant, wall } of ticks) {
    if (fixed && dst !== "skip") {
      for (let removed = expected; removed < wall; removed += MINUTE) if (matches(removed)) due.add(instant);
    }
    const onlyOnce = fixed && dst !== "both";
    if (matches(wall) && !(onlyOnce && shown.has(wall))) for (const s of seconds) due.add(instant + s * 1000);
    shown.add(wall);
    expected = wall + MINUTE;
  }
  return [...due];
}

const WINDOWS: readonly (readonly [zone: string, change: string])[] = [
  ["America/New_York", "2026-03-08"],
  ["America/New_York", "2026-11-01"],
  ["Europe/Berlin", "2026-03-29"],
  ["Europe/Berlin", "2026-10-25"],
  ["Australia/Lord_Howe", "2026-10-04"],
  ["Australia/Lord_Howe", "2026-04-05"],
  ["Africa/Cairo", "2026-04-24"],
  ["Africa/Cairo", "2026-10-30"],
  ["America/Havana", "2026-03-08"],
  ["America/Havana", "2026-11-01"],
  ["America/Santiago", "2026-09-06"],
  ["America/Santiago", "2026-04-05"],
  ["America/Nuuk", "2026-03-29"],
  ["America/Nuuk", "2026-10-25"],
  ["America/Scoresbysund", "2024-03-31"],
  ["America/Scoresbysund", "2026-03-29"],
  ["Pacific/Apia", "2011-12-30"],
  ["Pacific/Kwajalein", "1993-08-21"],
  ["Antarctica/Troll", "2026-03-29"],
  ["Asia/Beirut", "2026-03-29"],
  ["Asia/Kathmandu", "1986-01-01"],
  ["Asia/Jerusalem", "2079-03-24"],
  ["Europe/Chisinau", "2367-10-29"],
  ["Europe/London", "2028-02-29"],
  ["America/Caracas", "2016-05-01"],
];

const scans = new Map<string, Tick[]>();
function scanOf(zone: string, change: string): Tick[] {
  const key = `${zone} ${change}`;
  const ticks = scans.get(key) ?? ticksAround(zone, change);
  scans.set(key, ticks);
  return ticks;
}

const within = ([low, high]: Bounds) => fc.integer({ min: low, max: high });

function range(bounds: Bounds): fc.Arbitrary<string> {
  return fc.tuple(within(bounds), within(bounds)).map((ends) => ends.sort((a, b) => a - b).join("-"));
}

/** Lists of values, ranges and stepped ranges, with `special` ones among them; or a star; or a step from somewhere. */
function field(bounds: Bounds, ...special: fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  const one = within(bounds).map(String);
  const step = fc.integer({ min: 2, max: bounds[1] });
  const stepped = fc.oneof(fc.constant("*"), one, range(bounds));
  const list = fc.array(fc.oneof(one, one, range(bounds), ...special), { minLength: 1, maxLength: 3 });
  return fc.oneof(
    { arbitrary: fc.constant("*"), weight: 3 },
    { arbitrary: list.map((elements) => elements.join(",")), weight: 4 },
    { arbitrary: fc.tuple(stepped, step).map((parts) => parts.join("/")), weight: 2 },
  );
}

const nightHours = fc.constantFrom("0", "1", "2", "3", "23", "0-3", "1,2", "0,23", "1-3/2", "*");
const anyDay = { arbitrary: fc.constant("*"), weight: 6 };
const nearest = within(DAYS).map((day) => `${day}W`);
const nth = fc
  .tuple(within(WEEKDAYS), fc.constantFrom("L", "#1", "#2", "#3", "#4", "#5"))
  .map((parts) => parts.join(""));
const fiveFields = fc.tuple(
  field(MINUTES),
  fc.oneof(nightHours, field(HOURS)),
  fc.oneof(anyDay, fc.constantFrom("L", "LW"), field(DAYS, fc.constant("L"), nearest)),
  fc.oneof(anyDay, field(MONTHS)),
  fc.oneof(anyDay, field(WEEKDAYS, nth)),
);
const seconds = fc.constantFrom("", "", "", "0 ", "30 ", "15,45 ", "10-50/20 ", "*/30 ");
const expressions = fc.tuple(seconds, fiveFields).map(([second, fields]) => second + fields.join(" "));

describe("nextOccurrence", () => {
  it("agrees with the scan around clock changes, whatever the expression and the rule", () => {
    const property = fc.property(
      expressions,
      fc.constantFrom(...WINDOWS),
      fc.constantFrom<DstRule>("next_valid", "skip", "both"),
      fc.integer({ min: 0, max: 4 * DAY }),
      (expression, [timeZone, change], dst, sinceStart) => {
        fc.pre(explainCron(expression) === null);
        const ticks = scanOf(timeZone, change);
        const after = (ticks[0]?.instant ?? 0) + Math.floor(sinceStart / 2);
        const end = (ticks.at(-1)?.instant ?? 0) + MINUTE;
        const found: number[] = [];
        const schedule = { kind: "cron", expression, timeZone, dst } as const;
        let next = nextOccurrence(schedule, after);
        while (next !== null && next < end) {
          found.push(next);
          next = nextOccurrence(schedule, next);
        }
        const expected = dueByScan(ticks, expression, dst).filter((instant) => instant > after);
        expect(firstDifference(found, expected)).toBeNull();

        // Asked from long before, it stops no later than at the first one, and says the same from just before that.
        const early = nextOccurrence(schedule, after - 200 * sinceStart) ?? Infinity;
        expect(early).toBeLessThanOrEqual(expected[0] ?? Infinity);
        if (early !== Infinity) expect(nextOccurrence(schedule, early - 1)).toBe(early);
      },
    );
    fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: 5000 });
  });
});

/** Where two lists part, as a person can read it; comparing all of their thousands would only slow the search down. */
function firstDifference(found: readonly number[], expected: readonly number[]): string | null {
  const at = Array.from({ length: Math.max(found.length, expected.length) }, (_, i) => i);
  const index = at.find((i) => found[i] !== expected[i]);
  return index === undefined ? null : `found ${toText(found[index])}, but the scan says ${toText(expected[index])}`;
}

function toText(instant: number | undefined): string {
  return instant === undefined ? "nothing" : new Date(instant).toISOString();
}
