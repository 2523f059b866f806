// The ledger of planned instants: every occurrence has exactly one row, whatever the clock and the people do.
import { describe, expect, it } from "vitest";
import { Database, isUniqueViolation } from "../../src/database/database.js";
import { Execution } from "../../src/entities/execution.js";
import type { BatchConfigInput, BatchlineClient } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { FakeClock } from "../support/fake-clock.js";
import { Gate } from "../support/gate.js";
import { finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

/** Uploads a batch whose script does nothing. */
async function plan(sdk: BatchlineClient, schedule: Partial<BatchConfigInput>, name = "batch"): Promise<void> {
  await sdk.batches.create(await scriptZip("true"), { ...schedule, name });
}

/** The planned instants of a batch's rows, oldest first, once there are `count` or more. */
async function planned(sdk: BatchlineClient, count: number, batch = "batch"): Promise<(string | null)[]> {
  return (await finalRows(sdk, batch, count)).map(({ scheduledAt }) => scheduledAt);
}

/**
 * Waits until everything that is due has its row: of triggers that are due together none is done before the last, and
 * this one, planned for every second, is due when the clock has moved on by one, which this does.
 */
async function caughtUp(sdk: BatchlineClient, clock: FakeClock): Promise<void> {
  const known = await sdk.batches.enable("witness").catch(() => null);
  if (!known) await plan(sdk, { cron: "* * * * * *" }, "witness");
  clock.advance({ seconds: 1 });
  await finalRows(sdk, "witness", (known?.lastExecution?.number ?? 0) + 1);
  await sdk.batches.disable("witness");
}

const hour = (time: number) => `2026-12-01T${time}:00:00.000Z`;

describe("a cron trigger", () => {
  it("gives each occurrence exactly one row, with its planned instant, its trigger and the next number", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { cron: "0 * * * *" });
    for (let count = 1; count <= 3; count++) {
      clock.advance({ hours: 1, ms: count });
      await finalRows(sdk, "batch", count);
    }
    await caughtUp(sdk, clock);
    const rows = await finalRows(sdk, "batch", 3);
    expect(rows.map(({ number, scheduledAt, status }) => [number, scheduledAt, status])).toEqual([
      [1, hour(13), "completed"],
      [2, hour(14), "completed"],
      [3, hour(15), "completed"],
    ]);
    expect(new Set(rows.map(({ trigger }) => trigger?.id)).size).toBe(1);
  });

  it("fires at seconds where the expression has six fields", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { cron: "*/20 * * * * *" });
    for (let count = 1; count <= 3; count++) {
      clock.advance({ seconds: 20 });
      await finalRows(sdk, "batch", count);
    }
    expect(await planned(sdk, 3)).toEqual(
      ["20", "40"].map((s) => `2026-12-01T12:00:${s}.000Z`).concat(hour(12).replace(":00:00", ":01:00")),
    );
  });

  it("does not fire a millisecond early", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { cron: "0 * * * *" });
    clock.set("2026-12-01T12:59:58.999Z");
    await caughtUp(sdk, clock);
    expect((await sdk.executions.list({ batch: "batch" })).items).toEqual([]);
    clock.advance({ ms: 1 });
    expect(await planned(sdk, 1)).toEqual([hour(13)]);
  });

  it("keeps batches with the same expression apart, and ones that are due together all run", async () => {
    const { sdk, clock } = await startApp();
    const names = ["one", "two", "three"];
    await Promise.all(names.map((name) => plan(sdk, { cron: "0 * * * *" }, name)));
    clock.advance({ hours: 1 });
    for (const name of names) expect(await planned(sdk, 1, name)).toEqual([hour(13)]);
    clock.advance({ hours: 1 });
    for (const name of names) expect(await planned(sdk, 2, name)).toEqual([hour(13), hour(14)]);
  });

  it("gives an occurrence that the overlap policy skips its row too", async () => {
    const { sdk, clock } = await startApp();
    const gate = await Gate.make();
    await sdk.batches.create(await scriptZip(gate.pass()), { name: "batch", cron: "0 * * * *" });
    clock.advance({ hours: 1 });
    await gate.arrival();
    clock.advance({ hours: 1 });
    await expect.poll(async () => (await sdk.executions.list({ status: "skipped" })).items.length, PATIENCE).toBe(1);
    gate.open();
    const [first, second] = await finalRows(sdk, "batch", 2);
    expect(first).toMatchObject({ status: "completed", scheduledAt: hour(13) });
    expect(second).toMatchObject({ status: "skipped", scheduledAt: hour(14), trigger: first?.trigger });
  });
});

describe("other schedules", () => {
  it("`at` fires once and never again, whatever is done to clock and batch", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { at: "2026-12-01T14:30:00+01:00" });
    clock.advance({ hours: 2 });
    expect(await finalRows(sdk, "batch", 1)).toMatchObject([
      { scheduledAt: "2026-12-01T13:30:00.000Z", status: "completed", trigger: { kind: "once" } },
    ]);
    expect((await sdk.batches.get("batch")).nextRuns).toEqual([]);
    clock.advance({ hours: -2 });
    await sdk.batches.disable("batch");
    await sdk.batches.enable("batch");
    clock.advance({ days: 400 });
    await caughtUp(sdk, clock);
    expect(await planned(sdk, 1)).toHaveLength(1);
  });

  it("`every` fires at the instants that it stands for", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { every: "hourly" }, "hourly");
    await plan(sdk, { every: { frequency: "daily", at: "06:30" } }, "daily");
    clock.advance({ hours: 1 });
    expect(await planned(sdk, 1, "hourly")).toEqual([hour(13)]);
    clock.set("2026-12-02T06:30:00Z");
    expect(await planned(sdk, 1, "daily")).toEqual(["2026-12-02T06:30:00.000Z"]);
  });
});

describe("when the clock jumps", () => {
  it("8 hours forward, the last occurrence runs and the others are rows that say why they did not", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { cron: "0 * * * *" });
    clock.advance({ hours: 8, minutes: 20 });
    const rows = await finalRows(sdk, "batch", 8);
    expect(rows.map(({ scheduledAt }) => scheduledAt)).toEqual([13, 14, 15, 16, 17, 18, 19, 20].map(hour));
    expect(rows.map(({ status }) => status)).toEqual([...Array<string>(7).fill("missed"), "completed"]);
    expect(rows[0]).toMatchObject({ reason: { code: "overdue" }, startedAt: null, log: null });
    await caughtUp(sdk, clock);
    expect(await planned(sdk, 8)).toHaveLength(8);
  });

  it("1 hour back, nothing runs twice and what comes later still comes", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { cron: "30 * * * *" });
    clock.advance({ hours: 1 });
    await finalRows(sdk, "batch", 1);
    clock.advance({ hours: -1 });
    clock.advance({ minutes: 45 });
    await caughtUp(sdk, clock);
    expect(await planned(sdk, 1)).toEqual(["2026-12-01T12:30:00.000Z"]);
    clock.set(hour(14));
    expect(await planned(sdk, 2)).toEqual(["2026-12-01T12:30:00.000Z", "2026-12-01T13:30:00.000Z"]);
  });

  it("1 hour back, enabling anew plans nothing twice, and holds up no other batch", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { cron: "0 * * * *" });
    await plan(sdk, { cron: "0 * * * *" }, "other");
    clock.advance({ hours: 1 });
    await finalRows(sdk, "batch", 1);
    clock.advance({ minutes: -30 });
    await sdk.batches.disable("batch");
    await sdk.batches.enable("batch");
    clock.advance({ minutes: 90 });
    expect(await planned(sdk, 2)).toEqual([hour(13), hour(14)]);
    expect(await planned(sdk, 2, "other")).toEqual([hour(13), hour(14)]);
  });
});

describe("disable and enable", () => {
  it("leave no rows for the time between, and go on with the first instant after it", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { cron: "0 * * * *" });
    await sdk.batches.disable("batch");
    clock.set(hour(15));
    await caughtUp(sdk, clock);
    expect((await sdk.executions.list({ batch: "batch" })).items).toEqual([]);
    clock.set(hour(16));
    await sdk.batches.enable("batch");
    await caughtUp(sdk, clock);
    expect((await sdk.executions.list({ batch: "batch" })).items).toEqual([]);
    clock.set(hour(17));
    expect(await planned(sdk, 1)).toEqual([hour(17)]);
  });
});

describe("across a restart", () => {
  it("plans every schedule again, and tells disabled ones apart", async () => {
    const first = await startApp();
    await plan(first.sdk, { cron: "0 * * * *" });
    await plan(first.sdk, { cron: "0 * * * *" }, "disabled");
    await plan(first.sdk, { at: hour(14) }, "once");
    await first.sdk.batches.disable("disabled");
    const { sdk, clock } = await first.restart();
    clock.advance({ hours: 1 });
    expect(await planned(sdk, 1)).toEqual([hour(13)]);
    clock.advance({ hours: 1 });
    expect(await planned(sdk, 2)).toEqual([hour(13), hour(14)]);
    expect(await planned(sdk, 1, "once")).toEqual([hour(14)]);
    expect((await sdk.executions.list({ batch: "disabled" })).items).toEqual([]);
  });

  it("runs the last of what fell due meanwhile and lists the others as missed, a single instant too", async () => {
    const first = await startApp();
    await plan(first.sdk, { cron: "0 * * * *" });
    await plan(first.sdk, { at: "2026-12-01T13:30:00Z" }, "once");
    await first.stop();
    first.clock.advance({ hours: 3 });
    const { sdk, clock } = await first.restart();
    const rows = await finalRows(sdk, "batch", 3);
    expect(rows.map(({ scheduledAt, status }) => [scheduledAt, status])).toEqual([
      [hour(13), "missed"],
      [hour(14), "missed"],
      [hour(15), "completed"],
    ]);
    expect(await finalRows(sdk, "once", 1)).toMatchObject([{ status: "completed" }]);
    clock.advance({ hours: 1 });
    expect(await planned(sdk, 4)).toHaveLength(4);
  });

  it("holds on to one row per occurrence in the database itself", async () => {
    const app = await startApp();
    const { sdk, clock, config } = app;
    await plan(sdk, { cron: "0 * * * *" });
    clock.advance({ hours: 1 });
    await finalRows(sdk, "batch", 1);
    await app.stop();
    const database = await Database.open(config.databaseUrl);
    const { id, ...copy } = await database.read((manager) =>
      manager.findOneByOrFail(Execution, { batchName: "batch" }),
    );
    const twin = database.write(({ manager }) => manager.insert(Execution, copy));
    await expect(twin).rejects.toSatisfy(isUniqueViolation);
    await database.write(({ manager }) => manager.insert(Execution, { ...copy, scheduledAt: clock.now() + 1 }));
    const rows = await database.read((manager) => manager.findBy(Execution, { scheduledAt: clock.now() }));
    expect(rows.map((row) => row.id)).toEqual([id]);
    await database.close();
  });
});

describe("in Europe/Berlin", () => {
  const berlin = { cron: "30 2 * * *", timeZone: "Europe/Berlin" };

  it("a time that spring removes runs at the first instant after the gap, or not at all if told so", async () => {
    const { sdk, clock } = await startApp({}, new FakeClock("2027-03-27T00:00:00Z"));
    await plan(sdk, berlin);
    await plan(sdk, { ...berlin, dst: "skip" }, "skip");
    const expected = ["2027-03-27T01:30:00.000Z", "2027-03-28T01:00:00.000Z", "2027-03-29T00:30:00.000Z"];
    for (const [i, instant] of expected.entries()) {
      clock.set(instant);
      await finalRows(sdk, "batch", i + 1);
    }
    expect(await planned(sdk, 3)).toEqual(expected);
    expect(await planned(sdk, 2, "skip")).toEqual([expected[0], expected[2]]);
  });

  it("a time that autumn doubles runs the first time only, or twice if told so", async () => {
    const { sdk, clock } = await startApp({}, new FakeClock("2026-10-24T12:00:00Z"));
    await plan(sdk, berlin);
    await plan(sdk, { ...berlin, dst: "both" }, "both");
    const expected = ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z", "2026-10-26T01:30:00.000Z"];
    for (const [i, instant] of expected.entries()) {
      clock.set(instant);
      await finalRows(sdk, "both", i + 1);
    }
    expect(await planned(sdk, 3, "both")).toEqual(expected);
    expect(await planned(sdk, 2)).toEqual([expected[0], expected[2]]);
  });
});
