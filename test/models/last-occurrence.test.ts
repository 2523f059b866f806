// The last planned instant up to another one: the same as walking there from the beginning, without the walk.
import { expect, it } from "vitest";
import { lastOccurrence } from "../../src/models/last-occurrence.js";
import { nextOccurrence, type Schedule } from "../../src/models/schedule.js";

const at = (text: string) => Date.parse(text);
const cron = (expression: string, timeZone = "UTC"): Schedule => ({ kind: "cron", expression, timeZone, dst: "both" });
const from = at("2026-01-01T00:00:00Z");

it.each<[schedule: Schedule, upTo: string, expected: string | null]>([
  [cron("0 * * * *"), "2026-03-01T12:59:59.999Z", "2026-03-01T12:00:00Z"],
  [cron("0 * * * *"), "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"],
  [cron("0 0 1 1 *"), "2026-12-31T00:00:00Z", "2026-01-01T00:00:00Z"],
  [cron("0 0 1 2 *"), "2026-01-31T00:00:00Z", null],
  [cron("0 * * * *"), "2025-12-31T00:00:00Z", null],
  // Every second of January, asked late in the year: millions lie before it.
  [cron("* * * * 1 *"), "2026-12-01T00:00:00Z", "2026-01-31T23:59:59Z"],
  // Beyond the last year that is looked at.
  [cron("* * * * * *"), "9999-12-31T00:00:00Z", "2999-12-31T23:59:59Z"],
  [{ kind: "once", at: at("2026-05-01T00:00:00Z") }, "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z"],
  [{ kind: "once", at: at("2026-05-01T00:00:00Z") }, "2026-04-30T00:00:00Z", null],
])("%j up to %s: %s", (schedule, upTo, expected) => {
  expect(lastOccurrence(schedule, at(upTo), from)).toBe(expected === null ? null : at(expected));
});

it("is the same as walking there, around the clock changes too", () => {
  for (const expression of ["*/17 * * * *", "30 2 * * *", "15,45 1-3 * * 0", "7 5 */9 * *"]) {
    const schedule = cron(expression, "Europe/Berlin");
    for (let upTo = at("2026-03-20T00:00:00Z"); upTo < at("2026-11-05T00:00:00Z"); upTo += 97_777_777) {
      let walked: number | null = null;
      const start = upTo - 12 * 86_400_000;
      for (let next = nextOccurrence(schedule, start - 1); next !== null && next <= upTo;) {
        walked = next;
        next = nextOccurrence(schedule, next);
      }
      expect(lastOccurrence(schedule, upTo, start), `${expression} ${upTo}`).toBe(walked);
    }
  }
});
