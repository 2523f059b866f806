// When schedules are due, by tables worked out by hand: clock changes of ten zones under all three rules.
import { afterEach, describe, expect, it, vi } from "vitest";
import { nextOccurrence, nextOccurrences, ScheduleError } from "../../src/models/schedule.js";
import type { DstRule, Schedule } from "../../src/models/schedule.js";

type Row = readonly [expression: string, rules: string, from: string, until: string, expected: readonly string[]];

const ALL = "next_valid skip both";

function cron(expression: string, timeZone = "UTC", dst: DstRule = "next_valid"): Schedule {
  return { kind: "cron", expression, timeZone, dst };
}

/** Epoch ms of a date, or of a date and time, both in UTC. */
function utc(text: string): number {
  return Date.parse(text.length > 10 ? `${text}Z` : text);
}

/** Occurrences at or after `from` and before `until`, in the short form of the tables: "MM-DD hh:mm" in UTC. */
function between(schedule: Schedule, from: string, until: string): string[] {
  const found: string[] = [];
  let next = nextOccurrence(schedule, utc(from) - 1);
  while (next !== null && next < utc(until)) {
    found.push(new Date(next).toISOString().slice(5, 19).replace("T", " ").replace(/:00$/, ""));
    next = nextOccurrence(schedule, next);
  }
  return found;
}

/** Processor time, not the clock: other work on the machine must not fail a test. */
function cpuMsSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

/** Each row once per rule it holds for. */
function perRule(rows: readonly Row[]) {
  return rows.flatMap(([expression, rules, from, until, expected]) =>
    rules.split(" ").map((rule) => ({ expression, rule: rule as DstRule, from, until, expected })),
  );
}

// Columns: expression, rules, from and until (UTC), due instants (UTC). Clocks go forward in spring, back in autumn.
const TABLES: Record<string, readonly Row[]> = {
  // 2026-03-08 07:00Z: 02:00 -> 03:00. 2026-11-01 06:00Z: 02:00 -> 01:00.
  "America/New_York": [
    ["30 2 * * *", "next_valid both", "2026-03-07", "2026-03-10", ["03-07 07:30", "03-08 07:00", "03-09 06:30"]],
    ["30 2 * * *", "skip", "2026-03-07", "2026-03-10", ["03-07 07:30", "03-09 06:30"]],
    ["15,45 2 * * *", "next_valid both", "2026-03-08", "2026-03-09", ["03-08 07:00"]],
    ["0 2,3 * * *", ALL, "2026-03-08", "2026-03-09", ["03-08 07:00"]],
    ["30 2,5 * * *", "next_valid both", "2026-03-08", "2026-03-09", ["03-08 07:00", "03-08 09:30"]],
    ["30 2,5 * * *", "skip", "2026-03-08", "2026-03-09", ["03-08 09:30"]],
    ["30 1 * * *", "next_valid skip", "2026-10-31", "2026-11-03", ["10-31 05:30", "11-01 05:30", "11-02 06:30"]],
    ["30 1 * * *", "both", "2026-10-31", "2026-11-02", ["10-31 05:30", "11-01 05:30", "11-01 06:30"]],
    ["30 1,5 * * *", "next_valid skip", "2026-11-01", "2026-11-02", ["11-01 05:30", "11-01 10:30"]],
    ["30 1,5 * * *", "both", "2026-11-01", "2026-11-02", ["11-01 05:30", "11-01 06:30", "11-01 10:30"]],
    ["0 2 1 11 *", ALL, "2026-11-01", "2026-11-02", ["11-01 07:00"]],
    ["0-59 2 8 3 *", "next_valid both", "2026-03-08", "2026-03-09", ["03-08 07:00"]],
  ],
  // 2026-03-29 01:00Z: 02:00 -> 03:00. 2026-10-25 01:00Z: 03:00 -> 02:00.
  "Europe/Berlin": [
    ["30 2 * * *", "next_valid both", "2026-03-28", "2026-03-31", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]],
    ["30 2 * * *", "skip", "2026-03-28", "2026-03-31", ["03-28 01:30", "03-30 00:30"]],
    ["30 2 * * *", "next_valid skip", "2026-10-24", "2026-10-27", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]],
    ["30 2 * * *", "both", "2026-10-25", "2026-10-27", ["10-25 00:30", "10-25 01:30", "10-26 01:30"]],
    ["0 3 * * *", ALL, "2026-03-29", "2026-03-30", ["03-29 01:00"]],
    ["0 3 * * *", ALL, "2026-10-25", "2026-10-26", ["10-25 02:00"]],
    [
      "*/30 1-3 * * *",
      ALL,
      "2026-03-28T12:00",
      "2026-03-29T12:00",
      ["03-29 00:00", "03-29 00:30", "03-29 01:00", "03-29 01:30"],
    ],
    [
      "*/30 1-3 * * *",
      ALL,
      "2026-10-24T12:00",
      "2026-10-25T12:00",
      "23:00 23:30 00:00 00:30 01:00 01:30 02:00 02:30".split(" ").map((t) => `10-2${t.startsWith("23") ? 4 : 5} ${t}`),
    ],
    ["30 * * * *", ALL, "2026-03-29T00:00", "2026-03-29T03:00", ["03-29 00:30", "03-29 01:30", "03-29 02:30"]],
    ["30 * * * *", ALL, "2026-10-25T00:00", "2026-10-25T03:00", ["10-25 00:30", "10-25 01:30", "10-25 02:30"]],
    ["15 30 2 * * *", "next_valid both", "2026-03-29", "2026-03-30", ["03-29 01:00"]],
    ["15 30 2 * * *", "next_valid skip", "2026-10-25", "2026-10-26", ["10-25 00:30:15"]],
    ["15 30 2 * * *", "both", "2026-10-25", "2026-10-26", ["10-25 00:30:15", "10-25 01:30:15"]],
    ["*/30 30 2 * * *", ALL, "2026-03-29", "2026-03-30", []],
    [
      "*/30 30 2 * * *",
      ALL,
      "2026-10-25",
      "2026-10-26",
      ["10-25 00:30", "10-25 00:30:30", "10-25 01:30", "10-25 01:30:30"],
    ],
  ],
  // 2026-04-04 15:00Z: 02:00 -> 01:30. 2026-10-03 15:30Z: 02:00 -> 02:30.
  "Australia/Lord_Howe": [
    ["15 2 * * *", "next_valid both", "2026-10-03", "2026-10-05", ["10-03 15:30", "10-04 15:15"]],
    ["15 2 * * *", "skip", "2026-10-03", "2026-10-05", ["10-04 15:15"]],
    ["45 1 * * *", "next_valid skip", "2026-04-04", "2026-04-06", ["04-04 14:45", "04-05 15:15"]],
    ["45 1 * * *", "both", "2026-04-04", "2026-04-06", ["04-04 14:45", "04-04 15:15", "04-05 15:15"]],
    ["*/15 2 * * *", ALL, "2026-10-03", "2026-10-04", ["10-03 15:30", "10-03 15:45"]],
  ],
  // 2026-04-23 22:00Z: 00:00 -> 01:00. 2026-10-29 21:00Z: 00:00 -> 23:00 of the day before.
  "Africa/Cairo": [
    ["30 0 * * *", "next_valid both", "2026-04-22", "2026-04-25", ["04-22 22:30", "04-23 22:00", "04-24 21:30"]],
    ["@daily", "next_valid both", "2026-04-23", "2026-04-25", ["04-23 22:00", "04-24 21:00"]],
    ["@daily", "skip", "2026-04-23", "2026-04-25", ["04-24 21:00"]],
    ["30 23 * * *", "next_valid skip", "2026-10-29", "2026-10-31", ["10-29 20:30", "10-30 21:30"]],
    ["30 23 * * *", "both", "2026-10-29", "2026-10-31", ["10-29 20:30", "10-29 21:30", "10-30 21:30"]],
    ["0 23 29 10 *", "next_valid skip", "2026-10-29", "2027-10-29", ["10-29 20:00"]],
    ["0 23 29 10 *", "both", "2026-10-29", "2027-10-29", ["10-29 20:00", "10-29 21:00"]],
    ["@daily", ALL, "2026-10-28", "2026-10-31", ["10-28 21:00", "10-29 22:00", "10-30 22:00"]],
  ],
  // 2026-03-08 05:00Z: 00:00 -> 01:00. 2026-11-01 05:00Z: 01:00 -> 00:00.
  "America/Havana": [
    ["@daily", "next_valid both", "2026-03-07", "2026-03-10", ["03-07 05:00", "03-08 05:00", "03-09 04:00"]],
    ["@daily", "skip", "2026-03-07", "2026-03-10", ["03-07 05:00", "03-09 04:00"]],
    ["@daily", "next_valid skip", "2026-11-01", "2026-11-03", ["11-01 04:00", "11-02 05:00"]],
    ["@daily", "both", "2026-11-01", "2026-11-03", ["11-01 04:00", "11-01 05:00", "11-02 05:00"]],
  ],
  // 2026-04-05 03:00Z: 00:00 -> 23:00 of the day before. 2026-09-06 04:00Z: 00:00 -> 01:00.
  "America/Santiago": [
    ["30 23 * * *", "next_valid skip", "2026-04-04", "2026-04-07", ["04-04 02:30", "04-05 02:30", "04-06 03:30"]],
    ["30 23 * * *", "both", "2026-04-05", "2026-04-06", ["04-05 02:30", "04-05 03:30"]],
    ["15 0 * * *", "next_valid both", "2026-09-05", "2026-09-08", ["09-05 04:15", "09-06 04:00", "09-07 03:15"]],
    ["15 0 * * 0", "skip", "2026-09-05", "2026-09-14", ["09-13 03:15"]],
  ],
  // 2011-12-30 10:00Z: the whole 30th is left out, 12-30 00:00 -> 12-31 00:00.
  "Pacific/Apia": [
    [
      "30 2 * * *",
      "next_valid both",
      "2011-12-29",
      "2012-01-01",
      ["12-29 12:30", "12-30 10:00", "12-30 12:30", "12-31 12:30"],
    ],
    ["30 2 * * *", "skip", "2011-12-29", "2012-01-01", ["12-29 12:30", "12-30 12:30", "12-31 12:30"]],
    ["@daily", ALL, "2011-12-29", "2011-12-31", ["12-29 10:00", "12-30 10:00"]],
    ["0 12 30 12 *", "next_valid both", "2011-12-29", "2012-12-29", ["12-30 10:00"]],
    ["0 12 30 12 *", "skip", "2011-12-29", "2012-12-29", []],
    ["0 */12 * * *", ALL, "2011-12-29T20:00", "2011-12-31", ["12-29 22:00", "12-30 10:00", "12-30 22:00"]],
  ],
  // Constant +05:45 since 1985-12-31 18:30Z, when 00:00 -> 00:15.
  "Asia/Kathmandu": [
    ["30 2 * * *", ALL, "2026-03-07", "2026-03-10", ["03-07 20:45", "03-08 20:45", "03-09 20:45"]],
    ["0 * * * *", ALL, "2026-10-25T00:00", "2026-10-25T02:00", ["10-25 00:15", "10-25 01:15"]],
    ["5 0 * * *", "next_valid both", "1985-12-30", "1986-01-02", ["12-30 18:35", "12-31 18:30", "01-01 18:20"]],
    ["5 0 * * *", "skip", "1985-12-31", "1986-01-02", ["01-01 18:20"]],
  ],
};

// 2026-03-29 01:00Z: 23:00 -> 00:00 of the next day. 2026-10-25 01:00Z: 00:00 -> 23:00 of the day before.
for (const zone of ["America/Nuuk", "America/Scoresbysund"]) {
  TABLES[zone] = [
    ["30 23 * * *", "next_valid both", "2026-03-28", "2026-03-31", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]],
    ["30 23 * * *", "skip", "2026-03-28", "2026-03-31", ["03-28 01:30", "03-30 00:30"]],
    ["30 23 28 3 *", "next_valid both", "2026-03-01", "2027-03-01", ["03-29 01:00"]],
    ["0 0,23 * * *", ALL, "2026-03-29", "2026-03-30", ["03-29 01:00"]],
    ["30 23 * * *", "next_valid skip", "2026-10-25", "2026-10-27", ["10-25 00:30", "10-26 01:30"]],
    ["30 23 * * *", "both", "2026-10-25", "2026-10-27", ["10-25 00:30", "10-25 01:30", "10-26 01:30"]],
    ["@daily", ALL, "2026-10-24", "2026-10-27", ["10-24 01:00", "10-25 02:00", "10-26 02:00"]],
  ];
}

describe.each(Object.entries(TABLES))("in %s", (zone, rows) => {
  it.each(perRule(rows))("$expression ($rule) from $from", ({ expression, rule, from, until, expected }) => {
    expect(between(cron(expression, zone, rule), from, until)).toEqual(expected);
  });
});

describe("a schedule with a wildcard", () => {
  it.each([
    ["America/New_York", "2026-03-08T05:00", "2026-03-09T04:00", 46],
    ["America/New_York", "2026-11-01T04:00", "2026-11-02T05:00", 50],
    ["Europe/Berlin", "2026-03-28T23:00", "2026-03-29T22:00", 46],
    ["Australia/Lord_Howe", "2026-04-04T13:00", "2026-04-05T13:30", 49],
  ])("runs every real half hour of the day of the change in %s from %s", (zone, from, until, count) => {
    const due = between(cron("*/30 * * * *", zone), from, until);
    expect(due).toHaveLength(count);
  });
});

describe("a schedule of one instant", () => {
  const at = Date.UTC(2026, 11, 1, 8);
  it("is due strictly after the time asked from, and only once", () => {
    expect(nextOccurrence({ kind: "once", at }, at - 1)).toBe(at);
    expect(nextOccurrence({ kind: "once", at }, at)).toBeNull();
    expect(nextOccurrences({ kind: "once", at }, 0, 5)).toEqual([at]);
  });
});

describe("nextOccurrence", () => {
  it("is strictly later than the time asked from, to the millisecond", () => {
    const noon = Date.UTC(2026, 5, 1, 12);
    expect(nextOccurrence(cron("0 12 * * *"), noon - 1)).toBe(noon);
    expect(nextOccurrence(cron("0 12 * * *"), noon - 0.5)).toBe(noon);
    expect(nextOccurrence(cron("0 12 * * *"), noon)).toBe(noon + 24 * 3600_000);
    expect(nextOccurrence(cron("0 12 * * *"), noon + 1)).toBe(noon + 24 * 3600_000);
  });

  it("steps over a made-up occurrence like over any other", () => {
    const [madeUp, next] = nextOccurrences(cron("30 2 * * *", "Europe/Berlin"), Date.UTC(2026, 2, 29), 2);
    expect(madeUp).toBe(Date.UTC(2026, 2, 29, 1));
    expect(next).toBe(Date.UTC(2026, 2, 30, 0, 30));
    expect(nextOccurrence(cron("30 2 * * *", "Europe/Berlin"), Date.UTC(2026, 2, 29, 1) - 1)).toBe(madeUp);
  });

  it("finds rare dates, and finds them fast", () => {
    const leapDay = cron("0 0 29 2 *", "Europe/Berlin");
    const started = process.cpuUsage();
    expect(nextOccurrence(leapDay, Date.UTC(2026, 0, 1))).toBe(Date.UTC(2028, 1, 28, 23));
    expect(nextOccurrence(leapDay, Date.UTC(2096, 2, 1))).toBe(Date.UTC(2104, 1, 28, 23));
    expect(nextOccurrence(cron("0 0 * 2 1#5", "Pacific/Apia"), Date.UTC(2026, 0, 1))).toBe(Date.UTC(2044, 1, 28, 11));
    expect(cpuMsSince(started)).toBeLessThan(200);
  });

  it("ends where dates end, and starts where clocks do", () => {
    expect(nextOccurrence(cron("@daily"), Date.UTC(3000, 0, 1))).toBeNull();
    expect(nextOccurrence(cron("@daily"), Number.POSITIVE_INFINITY)).toBeNull();
    expect(nextOccurrence(cron("@daily", "Europe/Berlin"), Number.NEGATIVE_INFINITY)).toBeLessThan(
      Date.UTC(1900, 0, 3),
    );
  });

  it("refuses what explainCron and isTimeZone refuse, and a time that is none", () => {
    expect(() => nextOccurrence(cron("* * *"), 0)).toThrow(ScheduleError);
    expect(() => nextOccurrence(cron("@daily", "Mars/Base"), 0)).toThrow(ScheduleError);
    expect(() => nextOccurrence(cron("@daily"), Number.NaN)).toThrow(ScheduleError);
  });

  it("gives 10,000 distinct schedules their next instant in well under 3 s", () => {
    const after = Date.UTC(2026, 9, 8, 12, 34, 56);
    const expressions = Array.from({ length: 10_000 }, (_, i) => {
      const [minute, hour, day] = [i % 60, Math.floor(i / 60) % 24, Math.floor(i / 1440)];
      return i % 2 === 0 ? `${minute} ${hour} * * 0-${day % 7}` : `${minute} ${hour} ${day + 1} ${(i % 12) + 1} *`;
    });
    expect(new Set(expressions).size).toBe(10_000);
    const started = process.cpuUsage();
    for (const expression of expressions) {
      expect(nextOccurrence(cron(expression, "Europe/Berlin"), after)).toBeGreaterThan(after);
    }
    expect(cpuMsSince(started)).toBeLessThan(3000);
  });
});

describe("nextOccurrences", () => {
  it("gives as many as asked for", () => {
    expect(nextOccurrences(cron("@daily"), 0, 0)).toEqual([]);
    expect(nextOccurrences(cron("@hourly"), 0, 3)).toEqual([1, 2, 3].map((hour) => hour * 3600_000));
  });
});

describe("the zone of the process", () => {
  const own = process.env.TZ;
  afterEach(() => {
    if (own === undefined) delete process.env.TZ;
    else process.env.TZ = own;
    vi.resetModules();
  });

  it.each(["UTC", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"])("does not matter: %s", async (zone) => {
    process.env.TZ = zone;
    expect(Intl.DateTimeFormat().resolvedOptions().timeZone).toBe(zone);
    vi.resetModules();
    const fresh = await import("../../src/models/schedule.js");
    const due = fresh.nextOccurrences(cron("30 2,23 8,29 3 *", "Europe/Berlin"), Date.UTC(2026, 2, 1), 4);
    expect(due).toEqual([
      Date.UTC(2026, 2, 8, 1, 30),
      Date.UTC(2026, 2, 8, 22, 30),
      Date.UTC(2026, 2, 29, 1),
      Date.UTC(2026, 2, 29, 21, 30),
    ]);
  });
});
