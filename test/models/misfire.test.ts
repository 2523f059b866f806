// What becomes of occurrences that are late: every policy, after hiccups and after downtimes, and none of them lost.
import { describe, expect, it } from "vitest";
import { dueOccurrences, misfireRule, type MisfireRule } from "../../src/models/misfire.js";
import { lastOccurrence } from "../../src/models/last-occurrence.js";
import { nextOccurrence, type Schedule } from "../../src/models/schedule.js";

const cron = (expression: string, timeZone = "UTC"): Schedule => ({
  kind: "cron",
  expression,
  timeZone,
  dst: "next_valid",
});
const HOURLY = cron("0 * * * *");
const EVERY_SECOND = cron("* * * * * *");
const NOON = Date.parse("2026-12-01T12:00:00Z");
const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];

type Misfire = Parameters<typeof misfireRule>[0]["misfire"];

const ruleOf = (misfire: Misfire, misfireWithin = "1m"): MisfireRule => misfireRule({ misfire, misfireWithin });

/** Every occurrence from `watermark` up to `now`, in as many portions as it takes. */
function allDue(schedule: Schedule, watermark: number, { now, rule, limit = 1000 }: Bounds) {
  const all: { at: number; fate: string }[] = [];
  let next: number | null = watermark;
  while (next !== null && next <= now) {
    const portion = dueOccurrences(schedule, next, { now, rule, limit });
    expect(portion.due.length).toBeGreaterThan(0);
    all.push(...portion.due);
    next = portion.next;
  }
  return { all, next };
}

interface Bounds {
  now: number;
  rule: MisfireRule;
  limit?: number;
}

/** The fates of the hourly occurrences from noon on, one letter each: run, catch_up, missed. */
function fates(misfire: Misfire, late: number, within = "1m"): string {
  const { all } = allDue(HOURLY, NOON, { now: NOON + late, rule: ruleOf(misfire, within) });
  return all.map(({ fate }) => fate.charAt(0)).join("");
}

describe("occurrences that are on time", () => {
  it.each(["fire_once", "skip", "catch_up"] as const)("run under %s, be there several of them", (policy) => {
    expect(fates(policy, 0)).toBe("r");
    expect(fates(policy, MINUTE)).toBe("r");
    const hiccup = allDue(EVERY_SECOND, NOON, { now: NOON + 5 * SECOND, rule: ruleOf(policy) });
    expect(hiccup.all.map(({ fate }) => fate)).toEqual(Array(6).fill("run"));
  });

  it("are all those that are late by no more than misfireWithin", () => {
    expect(fates("skip", 3 * HOUR, "3h")).toBe("rrrr");
    expect(fates("skip", 3 * HOUR + 1, "3h")).toBe("mrrr");
    expect(fates("skip", MINUTE + 1)).toBe("m");
    expect(fates("skip", 3 * HOUR, "1h")).toBe("mmrr");
  });
});

describe("after a downtime", () => {
  it.each<[string, Misfire, string]>([
    ["fire_once runs the newest", "fire_once", "mmmr"],
    ["skip runs none that is late", "skip", "mmmm"],
    ["catch_up runs all, one after the other", "catch_up", "cccc"],
    ["catch_up runs the newest within its cap", { policy: "catch_up", max: 2 }, "mmcc"],
    ["catch_up runs those within its window", { policy: "catch_up", window: "90m" }, "mmcc"],
    ["catch_up keeps to both bounds", { policy: "catch_up", window: "3h", max: 1 }, "mmmc"],
    ["fire_once runs none that is older than its window", { policy: "fire_once", window: "20m" }, "mmmm"],
  ])("%s", (_, misfire, expected) => {
    expect(fates(misfire, 3 * HOUR + 30 * MINUTE)).toBe(expected);
  });

  it.each<[Misfire, string]>([
    ["fire_once", "mmmr"],
    ["skip", "mmmr"],
    ["catch_up", "cccc"],
    [{ policy: "catch_up", max: 1 }, "mmmc"],
    [{ policy: "catch_up", window: "1s" }, "mmmc"],
  ])("that ends just when one is due, under %j", (misfire, expected) => {
    expect(fates(misfire, 3 * HOUR)).toBe(expected);
  });

  it("catch_up goes back 24 hours and 100 occurrences if nothing is said", () => {
    expect(fates("catch_up", 30 * HOUR + MINUTE * 30)).toBe("m".repeat(7) + "c".repeat(24));
    const { all } = allDue(cron("* * * * *"), NOON, { now: NOON + 5 * HOUR, rule: ruleOf("catch_up", "1s") });
    const expected = [...Array<string>(201).fill("missed"), ...Array<string>(100).fill("catch_up")];
    expect(all.map(({ fate }) => fate)).toEqual(expected);
  });

  it("fire_once runs one, not a burst, though some would be on time, however many portions it takes", () => {
    const now = NOON + 1030 * SECOND;
    for (const limit of [1, 7, 1000, 1015, 5000]) {
      const { all } = allDue(EVERY_SECOND, NOON, { now, rule: ruleOf("fire_once"), limit });
      expect(all.filter(({ fate }) => fate === "run")).toEqual([{ at: now, fate: "run" }]);
    }
  });
});

describe("a single instant", () => {
  const once: Schedule = { kind: "once", at: NOON };

  it.each<[Misfire, number, string]>([
    ["fire_once", 5 * HOUR, "run"],
    ["skip", MINUTE, "run"],
    ["skip", MINUTE + 1, "missed"],
    ["catch_up", 23 * HOUR, "catch_up"],
    ["catch_up", 25 * HOUR, "missed"],
  ])("under %s, late by %d ms: %s", (misfire, late, fate) => {
    expect(dueOccurrences(once, NOON, { now: NOON + late, rule: ruleOf(misfire), limit: 10 })).toEqual({
      due: [{ at: NOON, fate }],
      next: null,
    });
  });
});

const SCHEDULES: Record<string, Schedule> = {
  "every second": EVERY_SECOND,
  "every five minutes": cron("*/5 * * * *"),
  hourly: HOURLY,
  "daily in Berlin": cron("30 2 * * *", "Europe/Berlin"),
  "on the 31st": cron("0 8 31 * *"),
};
const POLICIES: Misfire[] = ["fire_once", "skip", "catch_up", { policy: "catch_up", window: "1h", max: 3 }];
const DOWN = [0, 59 * SECOND, MINUTE, 17 * MINUTE, 8 * HOUR, 40 * 24 * HOUR];

describe.each(Object.entries(SCHEDULES))("%s", (name, schedule) => {
  const cases = POLICIES.flatMap((misfire) => DOWN.map((down) => ({ misfire, down })));

  it.each(cases)("leaves every occurrence exactly once: $misfire, down for $down ms", ({ misfire, down }) => {
    // As many as 40 days of seconds would be another test.
    const late = name === "every second" ? Math.min(down, HOUR) : down;
    const first = nextOccurrence(schedule, NOON) ?? 0;
    const now = first + late;
    const planned: number[] = [];
    let at: number | null = first;
    for (; at !== null && at <= now; at = nextOccurrence(schedule, at)) planned.push(at);
    const { all, next } = allDue(schedule, first, { now, rule: ruleOf(misfire), limit: 100 });
    expect(all.map((one) => one.at)).toEqual(planned);
    expect(next).toBe(at);
    const runs = all.filter(({ fate }) => fate !== "missed");
    if (misfire === "fire_once") expect(runs.length).toBeGreaterThan(0);
    // Whatever runs, nothing that is newer is missed.
    if (runs.length > 0) expect(all.slice(all.indexOf(runs[0] as (typeof all)[0]))).toEqual(runs);
  });
});

it("finds the latest occurrence up to an instant, the instant itself included, and none before the beginning", () => {
  expect(lastOccurrence(HOURLY, NOON, 0)).toBe(NOON);
  expect(lastOccurrence(HOURLY, NOON - 1, 0)).toBe(NOON - HOUR);
  expect(lastOccurrence(HOURLY, NOON + 5, NOON)).toBe(NOON);
  expect(lastOccurrence(HOURLY, NOON + 5, NOON + 1)).toBeNull();
  expect(lastOccurrence(cron("0 8 31 12 *"), NOON, 0)).toBe(Date.parse("2025-12-31T08:00:00Z"));
});
