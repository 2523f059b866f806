// Why: from facts to an outcome and conditions in words.
import { describe, expect, it } from "vitest";
import { parseBatchConfig, type BatchConfigInput } from "../../src/models/batch-config.js";
import { instantInWords, spanInWords } from "../../src/models/instant-words.js";
import {
  CONDITIONS,
  explain,
  type Condition,
  type WhyFacts,
  type WhyOutcome,
  type WhyPlan,
  type WhyRow,
} from "../../src/models/why.js";

const T = Date.parse("2026-12-01T12:00:00Z");
const MINUTE = 60_000;

function configOf(config: Partial<BatchConfigInput>) {
  const parsed = parseBatchConfig({ name: "b", ...config }, "", 0);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.config;
}

function rowOf(row: Partial<WhyRow>): WhyRow {
  return {
    ...{ id: 7, status: "completed", source: "schedule", actor: { kind: "system", name: "batchline" } },
    ...{ reasonCode: null, reasonText: null, scheduledAt: T, queuedAt: T + 40, startedAt: T + 50, finishedAt: T + 60 },
    ...{ attempt: 1, retryAt: null, waits: null },
    ...row,
  };
}

const planned: WhyPlan = { head: null, planned: T, before: T - MINUTE, after: T + MINUTE, due: false };
const unplanned: WhyPlan = { ...planned, planned: null };

type Given = Partial<Omit<WhyFacts, "batch">> & { config?: Partial<BatchConfigInput>; createdAt?: number };

function factsOf({ config = {}, createdAt = T - 10 * MINUTE, ...given }: Given): WhyFacts {
  return {
    ...{ now: T + MINUTE, at: T, row: null, plan: planned, disabled: null, predecessors: [], active: [] },
    ...{ running: { batch: 0, all: 0 }, slots: 2, requires: [], excludes: [], waits: [] },
    batch: { id: 1, name: "b", createdAt, config: configOf(config) },
    ...given,
  };
}

function condition(given: Given, code: Condition["code"]): [Condition["met"], string] {
  const found = explain(factsOf(given)).conditions.find((one) => one.code === code);
  return [found?.met ?? null, found?.text ?? ""];
}

const noStart = { startedAt: null, finishedAt: T + 40, attempt: 0 };
const disabled = { batch: { id: 1, name: "b" }, since: T - MINUTE, by: { kind: "token", name: "ann" } as const };
const ahead = { now: T - 5 * MINUTE };

describe("the outcome", () => {
  it.each<[what: string, given: Given, outcome: WhyOutcome, summary: RegExp]>([
    ["a row that ended", { row: rowOf({}) }, "ran", /^It ran as execution 7, started at .* ended as completed\.$/],
    ["a running one", { row: rowOf({ status: "stopping", finishedAt: null }) }, "running", /^Execution 7 is stopping/],
    [
      "a queued one",
      { row: rowOf({ status: "queued", ...noStart, finishedAt: null }) },
      "queued",
      /as soon as it is its turn/,
    ],
    [
      "one between attempts",
      { row: rowOf({ status: "queued", retryAt: T + 9 * MINUTE }), config: { retry: { attempts: 3 } } },
      "queued",
      /Attempt 2 of 3 may start from 2026-12-01T12:09/,
    ],
    [
      "a waiting one",
      { row: rowOf({ status: "waiting", ...noStart }), waits: [{ name: "w", met: false, since: T }] },
      "waiting",
      /still waits for "w"/,
    ],
    [
      "a skipped one",
      {
        row: rowOf({ status: "skipped", ...noStart, reasonCode: "overlap", reasonText: "Execution 6 had not ended." }),
      },
      "did_not_run",
      /^Execution 7 never started: it was skipped\. Execution 6 had not ended\.$/,
    ],
    [
      "nothing planned then",
      { plan: unplanned },
      "did_not_run",
      /^It did not run\. No run was planned for .* the one before is/,
    ],
    ["a batch that did not exist", { createdAt: T + 1 }, "did_not_run", /uploaded at .* after that instant/],
    ["a batch that was disabled", { disabled }, "did_not_run", /disabled by ann/],
    ["one that is due", { plan: { ...planned, due: true } }, "unknown", /about to be recorded/],
    ["a planned one without a row", {}, "unknown", /the ledger has no row of it/],
    [
      "a successor that was not reached",
      { plan: { ...unplanned, head: { id: 2, name: "a" } } },
      "did_not_run",
      /no execution of it/,
    ],
    ["a planned instant ahead", ahead, "will_run", /^It will run: it is planned at 2026-12-01T12:00:00\.000Z\.$/],
    [
      "one of its chain",
      { ...ahead, plan: { ...planned, head: { id: 2, name: "a" } } },
      "will_run",
      /its chain starts with "a"/,
    ],
    [
      "an instant between, in a chain",
      { ...ahead, plan: { ...unplanned, head: { id: 2, name: "a" } } },
      "unknown",
      /depends on when the batches before/,
    ],
    ["no planned instant ahead", { ...ahead, plan: unplanned }, "will_not_run", /No run is planned for/],
    ["no schedule", { ...ahead, plan: null }, "will_not_run", /only if somebody asks/],
    ["disabled", { ...ahead, disabled }, "will_not_run", /It was disabled by ann/],
    [
      "something required that never completed",
      { ...ahead, requires: [{ name: "r", exists: true, completed: false }] },
      "unknown",
      /"r" has not completed.*Unless that changes/,
    ],
  ])("%s", (_what, given, outcome, summary) => {
    const why = explain(factsOf(given));
    expect(why.outcome).toBe(outcome);
    expect(why.summary).toMatch(summary);
    expect(why.conditions.map(({ code }) => code)).toEqual(CONDITIONS);
    for (const { code, text } of why.conditions) expect(text, code).toMatch(/^\S.*\.$|^\w+: /s);
  });
});

describe("a condition", () => {
  const link = { predecessorId: 2, successorId: 1, runOn: "success" as const, previousOutput: false };
  const outcome = { executionId: 5, batchName: "a", exitCode: 3, attempt: 1 };
  const asked = { scheduledAt: null, source: "api", actor: { kind: "token", name: "ann" } } as const;
  it.each<[Condition["code"], given: Given, met: Condition["met"], text: RegExp]>([
    ["enabled", {}, true, /Neither it nor a batch before it was disabled/],
    ["enabled", { ...ahead }, true, /is disabled/],
    [
      "enabled",
      { disabled: { ...disabled, batch: { id: 2, name: "a" } } },
      false,
      /comes after "a" \(batch 2\), which was disabled by ann at/,
    ],
    ["enabled", { disabled, row: rowOf(asked) }, false, /goes ahead all the same/],
    ["occurrence", {}, true, /planned for 2026-12-01T12:00:00.000Z, exactly then/],
    ["occurrence", { at: T + 20_000 }, true, /within the same minute/],
    ["occurrence", { plan: null }, null, /Nothing plans it/],
    [
      "occurrence",
      { plan: { ...unplanned, before: null, after: null } },
      false,
      /none is planned before, none comes after/,
    ],
    ["occurrence", { row: rowOf(asked) }, null, /not planned: ann asked for it/],
    ["predecessor", {}, null, /follows no other/],
    ["predecessor", { predecessors: [{ name: "a", link, outcome: null }] }, null, /starts when "a" succeeds/],
    [
      "predecessor",
      { row: rowOf({}), predecessors: [{ name: "a", link, outcome: { ...outcome, status: "completed" } }] },
      true,
      /"a" \(execution 5\) ended as completed/,
    ],
    [
      "predecessor",
      { row: rowOf({}), predecessors: [{ name: "a", link, outcome: { ...outcome, status: "failed" } }] },
      false,
      /"a" \(execution 5\) failed with exit code 3; this batch runs only if it succeeds/,
    ],
    ["overlap", { row: rowOf({}) }, true, /No other execution/],
    [
      "overlap",
      { row: rowOf({}), active: [{ id: 6, status: "running" }], config: { overlap: "allow" } },
      true,
      /6 \(running\); overlap is "allow"/,
    ],
    ["overlap", { ...ahead, active: [{ id: 6, status: "running" }] }, null, /cannot be known yet.*6 \(running\)/],
    [
      "overlap",
      { row: rowOf({ status: "skipped", ...noStart, reasonCode: "queue_full", reasonText: "Full." }) },
      false,
      /^Full\.$/,
    ],
    ["concurrency", { config: { overlap: "allow" } }, null, /Any number/],
    [
      "concurrency",
      { row: rowOf({ status: "queued", ...noStart }), running: { batch: 1, all: 1 } },
      false,
      /At most 1.*are 1/,
    ],
    ["concurrency", { row: rowOf({}) }, true, /At most 1.*were 0/],
    [
      "slot",
      { row: rowOf({ status: "queued", ...noStart }), running: { batch: 0, all: 2 } },
      false,
      /at most 2 scripts at once; 2 run/,
    ],
    ["slot", { row: rowOf({ status: "queued", ...noStart }), running: { batch: 0, all: 1 } }, true, /1 run/],
    ["slot", { row: rowOf({}) }, true, /got a slot at .*, 10 ms after it was queued/],
    ["slot", { row: rowOf({ status: "missed", ...noStart }) }, null, /never came to that/],
    ["requires", {}, null, /requires no other/],
    ["requires", { requires: [{ name: "r", exists: true, completed: true }] }, true, /had completed: "r"/],
    ["requires", { requires: [{ name: "r", exists: false, completed: false }] }, false, /"r" does not exist/],
    ["excludes", { excludes: [{ name: "x", active: null }] }, true, /none of them was active/],
    ["excludes", { excludes: [{ name: "x", active: 9 }] }, false, /"x" \(execution 9\)/],
    ["excludes", { row: rowOf({}), excludes: [{ name: "x", active: 9 }] }, null, /"x" \(execution 9\)/],
    ["excludes", { ...ahead, excludes: [{ name: "x", active: null }] }, null, /cannot be known yet/],
    ["waits", { row: rowOf({}), config: { waitFor: ["w"] } }, true, /"w"; that had ended/],
    ["waits", { ...ahead, config: { waitFor: ["w"] } }, null, /cannot be known yet/],
    ["misfire", { row: rowOf({}) }, true, /Up to 1m late is on time.*40 ms after its planned instant\.$/],
    ["misfire", { row: rowOf({ queuedAt: T + 7_200_000 }) }, true, /2 h after .* went ahead under that policy/],
    [
      "misfire",
      { row: rowOf({ ...noStart, status: "missed", queuedAt: T + 7_200_000, reasonText: "Down." }) },
      false,
      /Down\.$/,
    ],
    ["retry", {}, null, /one attempt only/],
    ["retry", { row: rowOf({ attempt: 2 }), config: { retry: { attempts: 3 } } }, null, /ended with attempt 2 of 3/],
    [
      "reason",
      { row: rowOf({ status: "failed", reasonCode: "exit_code", reasonText: "Exit 3." }) },
      null,
      /^exit_code: Exit 3\.$/,
    ],
    [
      "reason",
      { row: rowOf({ status: "missed", ...noStart, reasonCode: "overdue", reasonText: "Down." }) },
      false,
      /^overdue/,
    ],
  ])("%s: %j", (code, given, met, text) => {
    const [is, says] = condition(given, code);
    expect(is).toBe(met);
    expect(says).toMatch(text);
  });
});

it("instants are told by the batch's clocks and in UTC, spans in their two largest units", () => {
  expect(instantInWords(T, "UTC")).toBe("2026-12-01T12:00:00.000Z");
  expect(instantInWords(T, "Europe/Berlin")).toBe("2026-12-01 13:00:00 Europe/Berlin (2026-12-01T12:00:00.000Z)");
  expect(instantInWords(Date.parse("2026-07-01T22:30:00Z"), "Europe/Berlin")).toMatch(/^2026-07-02 00:30:00/);
  expect([0, 999, 1000, 90_000, 3_600_000, 7_500_000, 90_061_000].map(spanInWords)).toEqual([
    ...["0 ms", "999 ms", "1 s", "1 min 30 s", "1 h", "2 h 5 min", "1 d 1 h"],
  ]);
});
