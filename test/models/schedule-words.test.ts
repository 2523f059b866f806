// Schedules in words: by the 24-hour clock, with their zone, and never silent.
import { describe, expect, it } from "vitest";
import { describeSchedule } from "../../src/models/schedule-words.js";
import { ScheduleError } from "../../src/models/schedule-error.js";

function words(expression: string, timeZone = "Europe/Berlin"): string {
  return describeSchedule({ kind: "cron", expression, timeZone, dst: "next_valid" });
}

describe("describeSchedule", () => {
  it.each([
    ["30 2 * * *", "At 02:30, every day, Europe/Berlin"],
    ["30 15 * * *", "At 15:30, every day, Europe/Berlin"],
    ["15 30 2 * * *", "At 02:30:15, every day, Europe/Berlin"],
    ["0 30 2 * * *", "At 02:30, every day, Europe/Berlin"],
    ["@daily", "At 00:00, every day, Europe/Berlin"],
    ["@Hourly", "Every hour, every day, Europe/Berlin"],
    ["*/15 * * * *", "Every 15 minutes, every hour, every day, Europe/Berlin"],
    ["0 12 ? * MON-fri", "At 12:00, Monday through Friday, Europe/Berlin"],
    ["0 0 * * fri-sun", "At 00:00, Friday through Sunday, Europe/Berlin"],
    ["0 0 1 jan *", "At 00:00, on day 1 of the month, only in January, Europe/Berlin"],
    ["0 0 L * *", "At 00:00, on the last day of the month, Europe/Berlin"],
    ["0 0 * * 5L", "At 00:00, on the last Friday of the month, Europe/Berlin"],
    ["0 0 * * 5#2", "At 00:00, on the second Friday of the month, Europe/Berlin"],
    ["0 0 15W * *", "At 00:00, on the weekday nearest day 15 of the month, Europe/Berlin"],
    ["0 0 1W,15w * *", "At the times of the cron expression 0 0 1W,15W * *, Europe/Berlin"],
  ])("says of %s: %s", (expression, expected) => expect(words(expression)).toBe(expected));

  it("names the zone as it was given", () => {
    expect(words("30 2 * * *", "UTC")).toBe("At 02:30, every day, UTC");
  });

  it.each([
    [Date.UTC(2026, 11, 1, 8), "Once, on 2026-12-01 08:00 UTC"],
    [Date.UTC(2026, 11, 1, 8, 0, 30), "Once, on 2026-12-01 08:00:30 UTC"],
    [Date.UTC(12026, 11, 1, 8), "Once, on +012026-12-01 08:00 UTC"],
    [Number.MAX_SAFE_INTEGER, "Once, on 9007199254740991 ms after 1970-01-01 00:00 UTC"],
  ])("says of the instant %s: %s", (at, expected) => expect(describeSchedule({ kind: "once", at })).toBe(expected));

  it("refuses an invalid expression with the complaint", () => {
    expect(() => words("60 * * * *")).toThrow(ScheduleError);
  });
});
