// Occurrences that could not start in time: whatever the policy, each has one row, and its reason where it did not run.
import { describe, expect, it } from "vitest";
import { nextOccurrence } from "../../src/models/schedule.js";
import type { BatchConfigInput, BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

const nothing = await scriptZip("true");
const hour = (time: number) => `2026-12-01T${time}:00:00.000Z`;

type Span = Parameters<TestApp["clock"]["advance"]>[0];

/** Plans a batch hourly, if nothing else is said, and has the service down for this long. */
async function down(config: Partial<BatchConfigInput>, span: Span, script = nothing): Promise<TestApp> {
  const first = await startApp();
  const hourly = config.at === undefined ? { cron: "0 * * * *" } : {};
  await first.sdk.batches.create(script, { ...hourly, ...config, name: "batch" });
  await first.stop();
  first.clock.advance(span);
  return first.restart();
}

/** Planned instant and status, and the reason's code if there is one. */
const brief = (rows: ExecutionView[]) =>
  rows.map(({ scheduledAt, status, reason }) => [scheduledAt, status, ...(reason ? [reason.code] : [])]);

/** How many rows a batch has, by status; for more rows than one page holds. */
async function tally(sdk: BatchlineClient, batch: string): Promise<Record<string, number>> {
  const count: Record<string, number> = {};
  const instants = new Set<string | null>();
  for (let cursor: string | undefined; ;) {
    const page = await sdk.executions.list({ batch, limit: 200, ...(cursor === undefined ? {} : { cursor }) });
    for (const { status, scheduledAt } of page.items) {
      count[status] = (count[status] ?? 0) + 1;
      expect(instants.has(scheduledAt)).toBe(false);
      instants.add(scheduledAt);
    }
    if (page.next === null) return count;
    cursor = page.next;
  }
}

const missed = (time: number) => [hour(time), "missed", "overdue"];

describe("after a downtime", () => {
  it("fire_once runs the newest", async () => {
    const { sdk } = await down({}, { hours: 3, minutes: 30 });
    const rows = await finalRows(sdk, "batch", 3);
    expect(brief(rows)).toEqual([missed(13), missed(14), [hour(15), "completed"]]);
    expect(rows[0]?.reason?.text).toBe(
      "The service could not start it within 1m of its time: it was not running, or its clock was set forward; " +
        'misfire "fire_once" runs only the latest such occurrence.',
    );
  });

  it("skip runs none that is late, and the one that is on time", async () => {
    const { sdk } = await down({ misfire: "skip" }, { hours: 3, seconds: 59 });
    expect(brief(await finalRows(sdk, "batch", 3))).toEqual([missed(13), missed(14), [hour(15), "completed"]]);
  });

  it("catch_up runs all of them, oldest first and one at a time, though overlap is `skip`", async () => {
    const gate = await Gate.make();
    const script = await scriptZip(gate.pass("$BATCHLINE_SCHEDULED_AT"));
    const { sdk } = await down({ misfire: "catch_up" }, { hours: 3 }, script);
    for (const time of [13, 14, 15]) {
      expect(await gate.arrival()).toBe(hour(time));
      expect((await sdk.executions.list({ status: "running" })).items).toHaveLength(1);
      gate.open();
    }
    expect(brief(await finalRows(sdk, "batch", 3))).toEqual([13, 14, 15].map((time) => [hour(time), "completed"]));
  });

  it("catch_up keeps to its bounds, and says so", async () => {
    const misfire = { policy: "catch_up", window: "3h", max: 2 } as const;
    const { sdk } = await down({ misfire }, { hours: 5, minutes: 30 });
    const rows = await finalRows(sdk, "batch", 5);
    expect(brief(rows)).toEqual([...[13, 14, 15].map(missed), [hour(16), "completed"], [hour(17), "completed"]]);
    expect(rows[0]?.reason?.text).toContain("runs only the latest 2 such occurrences of the last 3 hours");
  });

  it("a hiccup within misfireWithin is none: every occurrence asks for its run", async () => {
    const { sdk } = await down({ misfireWithin: "4h", overlap: "allow" }, { hours: 3, minutes: 30 });
    const rows = await finalRows(sdk, "batch", 3);
    expect(brief(rows)).toEqual([13, 14, 15].map((time) => [hour(time), "completed"]));
  });

  it.each([
    ["fire_once", "completed"],
    ["skip", "missed"],
    ["catch_up", "completed"],
  ] as const)("a single instant has its one row: %s", async (misfire, status) => {
    const { sdk, clock } = await down({ at: hour(13), misfire }, { hours: 2 });
    expect(await finalRows(sdk, "batch", 1)).toMatchObject([{ status, scheduledAt: hour(13) }]);
    clock.advance({ days: 1 });
    expect((await sdk.batches.get("batch")).nextRuns).toEqual([]);
  });
});

it("writes a long backlog of many triggers whole: each occurrence once, one run each", async () => {
  const first = await startApp({ CONCURRENCY: "4" });
  const names = ["a", "b", "c", "d"];
  for (const name of names) await first.sdk.batches.create(nothing, { name, cron: "* * * * * *", overlap: "allow" });
  await first.sdk.batches.create(nothing, { name: "late", cron: "30 * * * *" });
  await first.stop();
  first.clock.advance({ minutes: 30, seconds: 30 });
  const { sdk } = await first.restart();
  for (const name of names) {
    await expect.poll(() => tally(sdk, name), PATIENCE).toEqual({ missed: 1829, completed: 1 });
  }
  expect(brief(await finalRows(sdk, "late", 1))).toEqual([["2026-12-01T12:30:00.000Z", "completed"]]);
});

describe("when the clock jumps", () => {
  const schedule = { kind: "cron", expression: "0 * * * *", timeZone: "UTC", dst: "next_valid" } as const;

  it.each([1, 8])("%d hours back, nothing runs twice, and all goes on where the plan had come to", async (hours) => {
    const { sdk, clock } = await startApp();
    await sdk.batches.create(nothing, { name: "batch", cron: "0 * * * *" });
    clock.advance({ hours: 1 });
    await finalRows(sdk, "batch", 1);
    clock.advance({ hours: -hours });
    await sdk.batches.create(nothing, { name: "new", cron: "0 * * * *" });
    const born = clock.now();
    for (let i = 0; i < hours + 1; i++) {
      clock.advance({ hours: 1 });
      await finalRows(sdk, "new", i + 1);
    }
    expect(brief(await finalRows(sdk, "batch", 2))).toEqual([13, 14].map((time) => [hour(time), "completed"]));
    const [first] = await finalRows(sdk, "new", hours + 1);
    expect(Date.parse(first?.scheduledAt ?? "")).toBe(nextOccurrence(schedule, born));
  });

  it("8 hours forward and back again, nothing is doubled and nothing is mute", async () => {
    const { sdk, clock } = await startApp();
    await sdk.batches.create(nothing, { name: "batch", cron: "0 * * * *", misfire: "skip" });
    clock.advance({ hours: 8 });
    await finalRows(sdk, "batch", 8);
    clock.advance({ hours: -8 });
    clock.advance({ hours: 9 });
    const rows = await finalRows(sdk, "batch", 9);
    expect(brief(rows)).toEqual([
      ...[13, 14, 15, 16, 17, 18, 19].map(missed),
      [hour(20), "completed"],
      [hour(21), "completed"],
    ]);
  });
});
