// Small shapes and rules: statuses, durations, sizes, cursors, ids, progress lines.
import { describe, expect, it } from "vitest";
import { parseDuration, parseSize } from "../../src/models/duration.js";
import { decodeCursor, encodeCursor, idText, toPage } from "../../src/models/shapes.js";
import { ACTIVE_STATUSES, FINAL_STATUSES, isFinal, statusesBefore, TRANSITIONS } from "../../src/models/status.js";

it.each([
  ["500ms", 500],
  ["90s", 90_000],
  ["30m", 1_800_000],
  ["6h", 21_600_000],
  ["1h30m", 5_400_000],
  ["2d", 172_800_000],
])("reads the duration %s", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(["", "5", "-5s", "1.5h", "0s", "367d", "5 s", "5S", "m", "9".repeat(40) + "s"])(
  "refuses the duration %j",
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

it.each([
  ["4096", 4096],
  ["64K", 65_536],
  ["512M", 536_870_912],
  ["2g", 2_147_483_648],
  ["1MiB", 1_048_576],
])("reads the size %s", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

it.each(["", "0", "-1", "1.5M", "M", "1X"])("refuses the size %j", (text) => {
  expect(parseSize(text)).toBeNull();
});

describe("statuses", () => {
  it("never leave a final one", () => {
    expect(ACTIVE_STATUSES.every((status) => !isFinal(status))).toBe(true);
    expect(FINAL_STATUSES.every(isFinal)).toBe(true);
    expect(Object.keys(TRANSITIONS).sort()).toEqual([...ACTIVE_STATUSES].sort());
  });

  it("know from where each may be reached", () => {
    expect(statusesBefore("running")).toEqual(["queued"]);
    expect(statusesBefore("timed_out")).toEqual(["stopping"]);
    expect(statusesBefore("lost").sort()).toEqual(["running", "stopping"]);
    expect(statusesBefore("aborted")).toEqual([]);
  });
});

describe("pages", () => {
  it("end with a cursor only if more follows", () => {
    const rows = [5, 4, 3].map((id) => ({ id }));
    expect(toPage(rows, 2, ({ id }) => id)).toEqual({ items: [5, 4], next: encodeCursor(4) });
    expect(toPage(rows, 3, ({ id }) => id)).toEqual({ items: [5, 4, 3], next: null });
  });

  it("take no cursor but their own", () => {
    expect(decodeCursor(encodeCursor(42))).toBe(42);
    for (const text of ["", "42", "YWZ0ZXI6MA", "YWZ0ZXI6MWUz", "%%%", "a"]) expect(decodeCursor(text)).toBeNull();
  });
});

it.each(["0", "-1", "1e3", "0x1", "1 or 1=1", "1abc", " 1", "9".repeat(30), "", "٣"])("takes %j for no id", (text) => {
  expect(idText.safeParse(text).success).toBe(false);
});
