// Disabling withdraws what was planned and has not begun; enabling makes up for what the pause left out, if asked to.
import { describe, expect, it } from "vitest";
import { Database } from "../../src/database/database.js";
import { Trigger } from "../../src/entities/trigger.js";
import { EventLog } from "../../src/handlers/event-log.js";
import { makeLogger } from "../../src/handlers/logger.js";
import { newOwner } from "../../src/jobs/ownership.js";
import { Queue } from "../../src/jobs/queue.js";
import { Scheduler } from "../../src/jobs/scheduler.js";
import type { BatchConfigInput, BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { passOf, statuses, uploadChain } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const nothing = await scriptZip("true");
const hour = (time: number) => `2026-12-01T${time}:00:00.000Z`;
const brief = (rows: ExecutionView[]) => rows.map(({ scheduledAt, status }) => [scheduledAt, status]);
const completed = (...times: number[]) => times.map((time) => [hour(time), "completed"]);

const plan = (sdk: BatchlineClient, config: Partial<BatchConfigInput> = { cron: "0 * * * *" }) =>
  sdk.batches.create(nothing, { ...config, name: "batch" });

describe("disabling", () => {
  it("skips planned runs that have not begun, and leaves those that a person asked for and those that run", async () => {
    const { sdk, clock } = await startApp({ CONCURRENCY: "1" });
    const gate = await Gate.make();
    const hourly = { cron: "0 * * * *", overlap: "queue" } as const;
    await sdk.batches.create(await scriptZip(gate.pass("$BATCHLINE_EXECUTION_ID")), { ...hourly, name: "batch" });
    for (let count = 1; count <= 2; count++) {
      clock.advance({ hours: 1 });
      await expect.poll(async () => (await sdk.executions.list()).items.length, PATIENCE).toBe(count);
    }
    await gate.arrival();
    const asked = await sdk.batches.run("batch");
    await sdk.batches.disable("batch");
    const [running, planned] = (await sdk.executions.list({ batch: "batch" })).items.reverse();
    expect(running?.status).toBe("running");
    expect(planned).toMatchObject({
      status: "skipped",
      reason: { code: "disabled" },
      scheduledAt: hour(14),
      attempt: 0,
    });
    gate.open(2);
    expect(await gate.arrival()).toBe(String(asked.id));
    expect((await finalRows(sdk, "batch", 3)).map(({ status }) => status)).toEqual([
      "completed",
      "skipped",
      "completed",
    ]);
  });

  it("skips what waits for another batch, and what is due in a chain after it", async () => {
    const { sdk, clock } = await startApp();
    await sdk.batches.create(nothing, { name: "awaited" });
    const lines = ["true"];
    await uploadChain(sdk, { name: "head", cron: "0 * * * *", waitFor: ["awaited"], lines }, { name: "next", lines });
    clock.advance({ hours: 1 });
    const waiting = async () => (await sdk.executions.list({ status: "waiting" })).items;
    await expect.poll(async () => (await waiting()).length, PATIENCE).toBe(1);
    const [row] = await waiting();
    clock.advance({ ms: 1 });
    await sdk.batches.disable("head");
    expect(statuses(await passOf(sdk, row as ExecutionView))).toEqual({ head: "skipped", next: "skipped" });
  });
});

describe("enabling", () => {
  it.each([
    [undefined, []],
    ["none", []],
    ["last", [16]],
    ["all", [14, 15, 16]],
  ] as const)("with gap %s makes up for so much, and the plan goes on", async (gap, times) => {
    const { sdk, clock } = await startApp();
    await plan(sdk);
    clock.advance({ hours: 1 });
    await finalRows(sdk, "batch", 1);
    await sdk.batches.disable("batch");
    clock.advance({ hours: 3, minutes: 30 });
    await sdk.batches.enable("batch", gap === undefined ? {} : { gap });
    await finalRows(sdk, "batch", 1 + times.length);
    clock.advance({ minutes: 30 });
    const rows = await finalRows(sdk, "batch", 2 + times.length);
    expect(brief(rows)).toEqual(completed(13, ...times, 17));
    expect(rows.map(({ actor }) => actor.kind)).toEqual(["system", ...times.map(() => "token"), "system"]);
    // Once more is no fault, and makes up for nothing twice.
    await sdk.batches.enable("batch", { gap: "all" });
    expect(brief(await finalRows(sdk, "batch", 2 + times.length))).toHaveLength(2 + times.length);
  });

  it("takes in the occurrence of this very instant, and none of before the pause", async () => {
    const { sdk, clock } = await startApp();
    await plan(sdk);
    await sdk.batches.disable("batch");
    clock.advance({ hours: 1 });
    await sdk.batches.enable("batch", { gap: "last" });
    expect(brief(await finalRows(sdk, "batch", 1))).toEqual(completed(13));
    clock.advance({ hours: 1 });
    expect(brief(await finalRows(sdk, "batch", 2))).toEqual(completed(13, 14));
  });

  it.each([
    ["last", 1],
    ["none", 0],
  ] as const)("a single instant that has passed runs with gap %s %d times", async (gap, count) => {
    const { sdk, clock } = await startApp();
    await plan(sdk, { at: hour(13) });
    await sdk.batches.disable("batch");
    clock.advance({ hours: 2 });
    expect((await sdk.batches.gap("batch")).count).toBe(1);
    await sdk.batches.enable("batch", { gap });
    expect(await finalRows(sdk, "batch", count)).toHaveLength(count);
    await sdk.batches.disable("batch");
    expect((await sdk.batches.gap("batch")).count).toBe(0);
    await sdk.batches.enable("batch", { gap: "all" });
    expect(await finalRows(sdk, "batch", count)).toHaveLength(count);
  });

  it("refuses to make up for more than 1000, in words, and stays disabled; the last one it takes", async () => {
    const app = await startApp();
    const { sdk, clock } = app;
    await plan(sdk, { cron: "* * * * * *" });
    await sdk.batches.disable("batch");
    clock.advance({ seconds: 1001 });
    const asked = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"gap":"all"}' };
    const problem = await problemOf(await app.request("/api/v1/batches/batch/enable", asked));
    expect(problem).toMatchObject({ status: 409, code: "gap_too_large" });
    expect(problem.detail).toContain("more than 1000 occurrences");
    expect(await sdk.batches.get("batch")).toMatchObject({ enabled: false });
    expect((await sdk.batches.gap("batch")).count).toBe(1001);
    await sdk.batches.enable("batch", { gap: "last" });
    expect(await finalRows(sdk, "batch", 1)).toMatchObject([{ scheduledAt: "2026-12-01T12:16:41.000Z" }]);
  });

  it("makes up for a chain by whole passes, one after the other though overlap is `skip`", async () => {
    const { sdk, clock } = await startApp();
    const lines = ["true"];
    await uploadChain(sdk, { name: "head", cron: "0 * * * *", lines }, { name: "next", lines, overlap: "queue" });
    await sdk.batches.disable("head");
    clock.advance({ hours: 2 });
    await sdk.batches.enable("head", { gap: "all" });
    expect(brief(await finalRows(sdk, "head", 2))).toEqual(completed(13, 14));
    const after = await finalRows(sdk, "next", 2);
    expect(after.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(new Set(after.map(({ chainRunId }) => chainRunId)).size).toBe(2);
  });

  it("asks its conditions of what it makes up for", async () => {
    const { sdk, clock } = await startApp();
    await sdk.batches.create(nothing, { name: "never" });
    await plan(sdk, { cron: "0 * * * *", requires: ["never"] });
    await sdk.batches.disable("batch");
    clock.advance({ hours: 1 });
    await sdk.batches.enable("batch", { gap: "all" });
    const [row] = await finalRows(sdk, "batch", 1);
    expect(await finalRow(sdk, row as ExecutionView)).toMatchObject({
      status: "skipped",
      reason: { code: "requires" },
    });
  });

  it("refuses a choice that there is not", async () => {
    const app = await startApp();
    await plan(app.sdk);
    const asked = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"gap":"some"}' };
    expect((await problemOf(await app.request("/api/v1/batches/batch/enable", asked))).status).toBe(400);
  });
});

it("what fell due before the pause has its row, though nobody had come to write it", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("true"), { name: "batch", cron: "0 * * * *" });
  await app.stop();
  app.clock.advance({ hours: 3 });
  // Disabled at the very moment at which the service comes back: the plan has not been looked at yet.
  const database = await Database.open(app.config.databaseUrl);
  const tellsNobody = { alerter: { note: () => undefined }, events: new EventLog(app) };
  const queue = new Queue({ ...tellsNobody, database, clock: app.clock, concurrency: 1, owner: newOwner() });
  const scheduler = new Scheduler({ ...tellsNobody, database, queue, clock: app.clock, logger: makeLogger("silent") });
  await database.write((transaction) => scheduler.disarm(transaction, [1]));
  const { gapFrom, nextAt } = await database.read((manager) => manager.findOneByOrFail(Trigger, { id: 1 }));
  await database.close();
  expect([gapFrom, nextAt]).toEqual([Date.parse("2026-12-01T16:00:00Z"), null]);
  const { sdk } = await app.restart();
  const rows = (await sdk.executions.list({ batch: "batch" })).items.map((row) => [row.status, row.reason?.code]);
  expect(rows).toEqual(Array(3).fill(["skipped", "disabled"]));
});
