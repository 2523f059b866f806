// Zone names, and the cutting of a zone's time line at the very second its clocks change.
import { describe, expect, it } from "vitest";
import { ScheduleError } from "../../src/models/schedule-error.js";
import { isTimeZone, segmentAt } from "../../src/models/time-zone.js";

const MINUTE = 60_000;

describe("isTimeZone", () => {
  it.each(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "GB-Eire", "CET", "EST5EDT"])(
    "accepts %s",
    (name) => expect(isTimeZone(name)).toBe(true),
  );

  it("accepts every zone this host knows", () => {
    const refused = Intl.supportedValuesOf("timeZone").filter((name) => !isTimeZone(name));
    expect(refused).toEqual([]);
  });

  it.each([
    "",
    " ",
    "+25:00",
    "+01:00",
    "-0500",
    "Z",
    "UTC+1",
    "Mars/Base",
    "../etc",
    "/etc/localtime",
    "localtime",
    " UTC",
    "UTC\n",
    "Europe/Berlin/",
    "Europe//Berlin",
    "IST",
    "PST",
    "bst",
    "SystemV/EST5",
    "x".repeat(100_000),
  ])("refuses %j", (name) => expect(isTimeZone(name)).toBe(false));
});

describe("segmentAt", () => {
  it.each([
    ["Europe/Berlin", "2026-03-29T01:00:00Z", 60, 120],
    ["Europe/Berlin", "2026-10-25T01:00:00Z", 120, 60],
    ["Australia/Lord_Howe", "2026-10-03T15:30:00Z", 630, 660],
    ["America/Nuuk", "2026-03-29T01:00:00Z", -120, -60],
    ["Pacific/Apia", "2011-12-30T10:00:00Z", -600, 840],
    ["America/Boa_Vista", "2000-10-08T04:00:00Z", -240, -180],
    ["America/Boa_Vista", "2000-10-15T03:00:00Z", -180, -240],
    ["Asia/Jerusalem", "2079-03-24T00:00:00Z", 120, 180],
  ])("finds the change of %s at %s", (zone, iso, before, after) => {
    const change = Date.parse(iso);
    expect(segmentAt(zone, change - 1)).toMatchObject({ end: change, offset: before * MINUTE });
    expect(segmentAt(zone, change)).toMatchObject({
      start: change,
      offset: after * MINUTE,
      offsetBefore: before * MINUTE,
    });
  });

  it.each(["UTC", "Asia/Kathmandu", "Europe/Berlin", "Africa/Casablanca", "Asia/Gaza", "America/Boa_Vista"])(
    "agrees with the clock that Intl shows in %s, every day and around every cut",
    (zone) => {
      const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
      const wrong: number[] = [];
      const check = (instant: number) => {
        const wall = new Date(instant + segmentAt(zone, instant).offset).toISOString().slice(0, 19).replace("T", " ");
        if (clock.format(instant) !== wall) wrong.push(instant);
      };
      for (let at = Date.UTC(2000, 0, 1); at < Date.UTC(2045, 0, 1); at += 24 * 60 * MINUTE) {
        const { end } = segmentAt(zone, at);
        for (const instant of [at, end - 1000, end]) check(instant);
      }
      expect(wrong).toEqual([]);
    },
  );

  it("knows offsets with seconds, as some zones had them once", () => {
    expect(segmentAt("Africa/Monrovia", Date.UTC(1971, 0, 1)).offset).toBe(-(44 * 60 + 30) * 1000);
  });

  it("refuses an unknown zone with a sentence that names it", () => {
    expect(() => segmentAt("Mars/Base", 0)).toThrow(ScheduleError);
    expect(() => segmentAt("Mars/Base", 0)).toThrow(/"Mars\/Base" is not an IANA time zone/);
  });
});
