// Named frequencies: what each one means, and how a wrong combination is refused.
import { describe, expect, it } from "vitest";
import { explainCron } from "../../src/models/cron-expression.js";
import { everySchema, everyToCron } from "../../src/models/named-frequency.js";

function complaints(every: unknown): string[] {
  const parsed = everySchema.safeParse(every);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join("/")}: ${message}`);
}

describe("everyToCron", () => {
  it.each([
    ["hourly", "0 * * * *"],
    ["daily", "0 0 * * *"],
    ["weekly", "0 0 * * 1"],
    ["monthly", "0 0 1 * *"],
    [{ frequency: "hourly" }, "0 * * * *"],
    [{ frequency: "hourly", minute: 0 }, "0 * * * *"],
    [{ frequency: "hourly", minute: 59 }, "59 * * * *"],
    [{ frequency: "daily" }, "0 0 * * *"],
    [{ frequency: "daily", at: "06:05" }, "5 6 * * *"],
    [{ frequency: "daily", at: "23:59" }, "59 23 * * *"],
    [{ frequency: "weekly" }, "0 0 * * 1"],
    [{ frequency: "weekly", at: "18:30" }, "30 18 * * 1"],
    [{ frequency: "weekly", weekday: "sunday" }, "0 0 * * 0"],
    [{ frequency: "weekly", weekday: "saturday", at: "00:01" }, "1 0 * * 6"],
    [{ frequency: "monthly" }, "0 0 1 * *"],
    [{ frequency: "monthly", day: 31, at: "12:00" }, "0 12 31 * *"],
    [{ frequency: "monthly", day: "last" }, "0 0 L * *"],
  ])("turns %j into %s", (every, expression) => {
    expect(everyToCron(everySchema.parse(every))).toBe(expression);
    expect(explainCron(expression)).toBeNull();
  });
});

describe("everySchema", () => {
  it.each([
    ["yearly", [/^: must be hourly, daily, weekly or monthly, or an object such as/]],
    ["Daily", [/^: must be hourly/]],
    ["", [/^: must be hourly/]],
    [5, [/^: must be hourly/]],
    [null, [/^: must be hourly/]],
    [{}, [/^: "frequency" is hourly, daily, weekly or monthly/]],
    [{ frequency: "yearly" }, [/^: "frequency" is hourly/]],
    [{ frequency: "daily", at: "6:30" }, [/^at: "at" is a time of day from "00:00" to "23:59"/]],
    [{ frequency: "daily", at: "24:00" }, [/^at: "at" is a time/]],
    [{ frequency: "daily", at: "12:60" }, [/^at: "at" is a time/]],
    [{ frequency: "daily", at: "06:30\n" }, [/^at: "at" is a time/]],
    [{ frequency: "daily", at: 630 }, [/^: "at" is a time/]],
    [
      { frequency: "hourly", at: "06:30" },
      [/^at: "at" has no meaning for hourly: it belongs to daily, weekly, monthly/],
    ],
    [{ frequency: "daily", minute: 5 }, [/^minute: "minute" has no meaning for daily: it belongs to hourly/]],
    [{ frequency: "daily", weekday: "monday" }, [/^weekday: "weekday" has no meaning for daily: .* weekly/]],
    [{ frequency: "weekly", day: 1 }, [/^day: "day" has no meaning for weekly: it belongs to monthly/]],
    [{ frequency: "hourly", day: 1, weekday: "monday" }, [/^weekday:/, /^day:/]],
    [{ frequency: "hourly", minute: 60 }, [/^minute: "minute" is a whole number from 0 to 59/]],
    [{ frequency: "hourly", minute: 1.5 }, [/"minute" is a whole number from 0 to 59/]],
    [{ frequency: "hourly", minute: -1 }, [/^minute: "minute" is a whole number/]],
    [{ frequency: "monthly", day: 0 }, [/"day" is a day of the month from 1 to 31, or "last"/]],
    [{ frequency: "monthly", day: 32 }, [/"day" is a day of the month/]],
    [{ frequency: "monthly", day: "first" }, [/"day" is a day of the month/]],
    [{ frequency: "weekly", weekday: "mon" }, [/"weekday" is one of sunday, monday/]],
    [{ frequency: "daily", hour: 5 }, [/"hour"/]],
  ])("refuses %j", (every, expected) => {
    const found = complaints(every);
    expect(found).toHaveLength(expected.length);
    expected.forEach((pattern, i) => expect(found[i]).toMatch(pattern));
  });
});
