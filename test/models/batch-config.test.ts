// The batch config: what it takes, what it refuses, and the words it refuses with.
import { describe, expect, it } from "vitest";
import { linkOptions, parseBatchConfig, scheduleOf, type BatchConfig } from "../../src/models/batch-config.js";

const NOW = Date.parse("2026-12-01T12:00:00Z");

function accepted(raw: object): BatchConfig {
  const parsed = parseBatchConfig({ name: "a", ...raw }, "", NOW);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.config;
}

function faults(raw: unknown, pointer = ""): Record<string, string> {
  const parsed = parseBatchConfig(raw, pointer, NOW);
  return parsed.ok ? {} : Object.fromEntries(parsed.faults.map((fault) => [fault.pointer, fault.message]));
}

it("fills in every default", () => {
  expect(accepted({})).toEqual({
    name: "a",
    description: "",
    timeZone: "UTC",
    dst: "next_valid",
    args: [],
    env: {},
    independent: false,
    previousOutput: false,
    killAfter: "10s",
    overlap: "skip",
    warningExitCodes: [],
    misfire: "fire_once",
    misfireWithin: "1m",
    requires: [],
    excludes: [],
    waitFor: [],
    leftovers: "end",
  });
});

it("takes the older names and gives them their present ones", () => {
  const older = { jobName: "x", jobDesc: "d", independant: true, prevBatchInput: true };
  expect(parseBatchConfig(older, "", NOW)).toMatchObject({
    config: { name: "x", description: "d", independent: true, previousOutput: true },
  });
  expect(faults({ jobName: "x", name: "y" })).toEqual({
    "/jobName": expect.stringContaining("older name of name") as string,
  });
});

it("refuses unknown keys by name, with the nearest known one", () => {
  const found = faults({ name: "a", corn: "* * * * *", zzzzzzzz: 1, __proto__x: 1 });
  expect(found["/corn"]).toBe("unknown key; did you mean cron?");
  expect(found["/zzzzzzzz"]).toContain("known keys are name, description, cron");
  expect(faults(JSON.parse('{"name":"a","__proto__":{"x":1}}'))).toHaveProperty("/__proto__");
  expect(faults({ name: "a", "a/b~c": 1 })).toHaveProperty("/a~1b~0c");
});

it("names every fault of a config at once, below the pointer where it stands", () => {
  const found = faults(
    { cron: "61 * * * *", timeZone: "Mars/Base", timeout: "soon", args: [1], overlap: "maybe" },
    "/2",
  );
  expect(Object.keys(found).sort()).toEqual(
    ["/2/args/0", "/2/cron", "/2/name", "/2/overlap", "/2/timeZone", "/2/timeout"].sort(),
  );
  expect(found["/2/name"]).toBe("is missing");
});

it.each([[null], [[]], ["x"], [7]])("refuses %j, which is no object", (raw) => {
  expect(faults(raw)).toEqual({ "": "must be a JSON object with at least a name" });
});

describe("names", () => {
  it.each(["a", "Nightly load", "søk 日本", "a.b", "1a", "x".repeat(128)])("takes %j", (name) => {
    expect(accepted({ name }).name).toBe(name);
  });
  it.each(["", " a", "a ", "a/b", "a\\b", "..", "12", "a\nb", "a\0", "a\u202eb", "x".repeat(129)])(
    "refuses %j",
    (name) => {
      expect(faults({ name })).toHaveProperty("/name");
    },
  );
});

describe("schedules", () => {
  it("are at most one", () => {
    expect(faults({ name: "a", cron: "0 * * * *", every: "daily" })).toEqual({
      "/every": "give only one of cron, every: a batch has one schedule at most",
    });
  });

  it("lie ahead, with their zone said", () => {
    expect(faults({ name: "a", at: "2026-12-01T11:59:59Z" })["/at"]).toMatch(
      /lies in the past \(it is 2026-12-01T12:00/,
    );
    expect(faults({ name: "a", at: "2027-01-01T00:00:00" })["/at"]).toContain("ISO 8601 with its zone");
    expect(scheduleOf(accepted({ at: "2027-01-31T08:00:00+01:00" }))).toEqual({
      kind: "once",
      at: Date.parse("2027-01-31T07:00:00Z"),
    });
  });

  it("become one kind of schedule, or none", () => {
    expect(scheduleOf(accepted({}))).toBeNull();
    expect(scheduleOf(accepted({ cron: "0 2 * * *", timeZone: "Europe/Berlin", dst: "both" }))).toEqual({
      kind: "cron",
      expression: "0 2 * * *",
      timeZone: "Europe/Berlin",
      dst: "both",
    });
    const daily = scheduleOf(accepted({ every: { frequency: "daily", at: "02:30" } }));
    expect(daily).toMatchObject({ kind: "cron", expression: "30 2 * * *", timeZone: "UTC" });
  });
});

describe("links", () => {
  it.each([
    [{}, "success"],
    [{ independent: true }, "always"],
    [{ independent: true, runOn: "always" }, "always"],
    [{ runOn: "failure" }, "failure"],
  ])("of %j run on %s", (raw, runOn) => {
    expect(linkOptions(accepted(raw)).runOn).toBe(runOn);
  });

  it("cannot be independent and conditional at once", () => {
    expect(faults({ name: "a", independent: true, runOn: "failure" })["/runOn"]).toContain("contradicts independent");
  });
});

describe("environment variables", () => {
  it.each(["A", "http_proxy", "_X", "A1"])("take %s", (name) => {
    expect(accepted({ env: { [name]: "x y" } }).env).toEqual({ [name]: "x y" });
  });
  it.each(["BASH_ENV", "LD_PRELOAD", "IFS", "PATH", "NODE_OPTIONS", "BATCHLINE_BATCH", "UID", "A B", "1A", "A=B", ""])(
    "refuse %j",
    (name) => {
      expect(Object.keys(faults({ name: "a", env: { [name]: "x" } }))).toEqual([`/env/${name}`]);
    },
  );
  it("refuse what no process could be given", () => {
    expect(faults({ name: "a", env: { A: "x\0" } })["/env/A"]).toContain("NUL");
    expect(faults({ name: "a", args: ["x".repeat(131_072)] })["/args/0"]).toContain("128 KiB");
  });
});
