// Triggers that fire by their schedule: beside a batch's own, without any batch, and as tests.
import { describe, expect, it } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { finalRows } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";

async function withBatch(config: object = {}): Promise<TestApp> {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("true"), { name: "batch", ...config });
  return app;
}

/** The events of a kind, as soon as there are `count` of them. */
async function told({ events }: TestApp, kind: Parameters<typeof events.next>[0], count: number) {
  for (let i = 0; i < count; i++) await events.next(kind);
  return events.seen.filter((event) => event.kind === kind);
}

describe("beside a batch's own schedule", () => {
  it("any number of them run it, each occurrence once, with the name of its trigger", async () => {
    const app = await withBatch({ cron: "0 * * * *", overlap: "queue" });
    await app.sdk.triggers.create({ name: "half", kind: "cron", cron: "30 * * * *", batch: "batch" });
    await app.sdk.triggers.create({ name: "same", kind: "cron", cron: "0 * * * *", batch: "batch" });
    await app.sdk.triggers.create({ name: "once", kind: "once", at: "2026-12-01T12:45:00Z", batch: "batch" });
    for (let i = 0; i < 4; i++) app.clock.advance({ minutes: 15 });
    const rows = await finalRows(app.sdk, "batch", 4);
    expect(rows.map(({ trigger, scheduledAt }) => [trigger?.name, scheduledAt?.slice(11, 16)]).sort()).toEqual([
      ...[
        ["half", "12:30"],
        ["once", "12:45"],
        ["same", "13:00"],
        [null, "13:00"],
      ].sort(),
    ]);
    expect((await told(app, "trigger.fired", 4)).map(({ source }) => source)).toEqual(Array(4).fill("schedule"));
  });

  it("a version that it is pinned to is the one that it starts", async () => {
    const app = await withBatch();
    await app.sdk.triggers.create({ name: "pinned", kind: "cron", cron: "0 * * * *", batch: "batch", version: 1 });
    await app.sdk.versions.create("batch", await scriptZip("echo two"));
    app.clock.advance({ hours: 1 });
    expect(await finalRows(app.sdk, "batch", 1)).toMatchObject([{ version: 1 }]);
  });

  it("on a batch in the middle of a chain it begins a chain run there", async () => {
    const app = await withBatch();
    await app.sdk.batches.attach("batch", await scriptZip("true"), { name: "middle" });
    await app.sdk.batches.attach("middle", await scriptZip("true"), { name: "last" });
    await app.sdk.triggers.create({ name: "t", kind: "cron", cron: "0 * * * *", batch: "middle" });
    app.clock.advance({ hours: 1 });
    const [middle] = await finalRows(app.sdk, "middle", 1);
    expect(await finalRows(app.sdk, "last", 1)).toMatchObject([{ chainRunId: middle?.chainRunId }]);
    expect((await app.sdk.executions.list({ batch: "batch" })).items).toEqual([]);
  });
});

describe("switched off", () => {
  it("it plans nothing, and nobody waits for what it would have started", async () => {
    const app = await withBatch();
    const { id } = await app.sdk.triggers.create({ name: "t", kind: "cron", cron: "0 * * * *", batch: "batch" });
    const summary = async () => (await app.sdk.batches.why("batch", "2026-12-01T15:00:00Z")).summary;
    expect(await summary()).toMatch(/^It will run: it is planned/);
    await app.sdk.triggers.edit(id, { enabled: false });
    expect(await summary()).toMatch(/^It will not run on its own/);
    await app.sdk.batches.create(await scriptZip("true"), { name: "waiter", waitFor: ["batch"] });
    app.clock.advance({ hours: 2 });
    await app.ended(await app.sdk.batches.run("batch"));
    expect(await app.ended(await app.sdk.batches.run("waiter"))).toMatchObject({ status: "completed" });
  });
});

describe("without a batch", () => {
  it("each planned instant is one event", async () => {
    const app = await startApp();
    await app.sdk.triggers.create({ name: "tick", kind: "cron", cron: "0 * * * *" });
    await app.sdk.triggers.create({ name: "bang", kind: "once", at: "2026-12-01T13:30:00Z" });
    for (const hours of [13, 14]) {
      app.clock.set(`2026-12-01T${hours}:30:00Z`);
      await told(app, "trigger.fired", hours === 13 ? 2 : 1);
    }
    const fired = app.events.seen.filter(({ kind }) => kind === "trigger.fired");
    expect(fired.map(({ subject, payload }) => [subject.name, payload["scheduledAt"]])).toEqual([
      ...[
        ["tick", "2026-12-01T13:00:00.000Z"],
        ["bang", "2026-12-01T13:30:00.000Z"],
      ],
      ["tick", "2026-12-01T14:00:00.000Z"],
    ]);
    expect(await app.sdk.triggers.get(1)).toMatchObject({ lastFiredAt: "2026-12-01T14:30:00.000Z" });
    expect((await app.sdk.executions.list()).items).toEqual([]);
  });

  it("after a downtime the latest fires and the others are told as missed", async () => {
    const app = await startApp();
    await app.sdk.triggers.create({ name: "tick", kind: "cron", cron: "0 * * * *" });
    await app.stop();
    app.clock.advance({ hours: 3 });
    const again = await app.restart();
    const fired = await again.events.next("trigger.fired");
    expect(fired.payload).toEqual({ scheduledAt: "2026-12-01T15:00:00.000Z" });
    const missed = again.events.seen.filter(({ kind }) => kind === "trigger.missed");
    expect(missed.map(({ payload }) => payload)).toEqual([
      { scheduledAt: "2026-12-01T13:00:00.000Z", reason: "overdue" },
      { scheduledAt: "2026-12-01T14:00:00.000Z", reason: "overdue" },
    ]);
  });

  it("two services fire it once", async () => {
    const app = await startApp();
    const other = await app.another();
    await app.sdk.triggers.create({ name: "tick", kind: "cron", cron: "*/10 * * * * *" });
    for (let i = 1; i <= 5; i++) {
      app.clock.advance({ seconds: 10 });
      const count = () => [app, other].reduce((sum, { events }) => sum + events.count("trigger.fired"), 0);
      await expect.poll(count).toBe(i);
    }
    const instants = [app, other].flatMap(({ events }) =>
      events.seen.filter(({ kind }) => kind === "trigger.fired").map(({ payload }) => payload["scheduledAt"]),
    );
    expect(new Set(instants).size).toBe(5);
  });

  it("deleted or disabled at the very moment, what had fallen due is told as missed", async () => {
    const app = await startApp();
    await app.sdk.triggers.create({ name: "tick", kind: "cron", cron: "0 * * * *" });
    await app.stop();
    app.clock.advance({ hours: 1 });
    const again = await app.restart();
    await again.events.next("trigger.fired");
    await again.sdk.triggers.remove(1);
    again.clock.advance({ hours: 5 });
    await again.sdk.triggers.create({ name: "witness", kind: "once", at: "2026-12-01T18:00:01Z" });
    again.clock.advance({ seconds: 1 });
    await again.events.next("trigger.fired");
    expect(again.events.count("trigger.fired")).toBe(2);
  });
});

describe("a test", () => {
  it.each([
    ["cron", { kind: "cron", cron: "0 * * * *" }],
    ["once", { kind: "once", at: "2026-12-01T13:00:00Z" }],
  ] as const)("of kind %s fires once by its schedule, marks what comes of it, and is gone", async (_, schedule) => {
    const app = await withBatch();
    await app.sdk.batches.attach("batch", await scriptZip("true"), { name: "next" });
    const { id } = await app.sdk.triggers.create({ name: "trial", ...schedule, batch: "batch", test: true });
    expect((await app.sdk.triggers.list()).items).toEqual([]);
    app.clock.advance({ hours: 1 });
    const deleted = await app.events.next("trigger.deleted");
    expect(deleted).toMatchObject({ test: true, payload: { reason: "test_fired" } });
    await expect(app.sdk.triggers.get(id)).rejects.toMatchObject({ status: 404 });
    await app.events.find(({ kind, subject }) => kind === "execution.finished" && subject.name === "next");
    app.clock.advance({ hours: 3 });
    const since = app.events.seen.filter(({ kind }) => /^(execution|trigger)\./.test(kind));
    expect(since.every(({ test }) => test)).toBe(true);
    expect(since.map(({ kind }) => kind)).toEqual([
      ...["trigger.created", "trigger.fired", "execution.queued", "trigger.deleted", "execution.started"],
      ...["execution.finished", "execution.queued", "execution.started", "execution.finished"],
    ]);
  });

  it("fired by API it is gone at once, and its execution is left out of lists unless asked for", async () => {
    const app = await withBatch();
    const { id } = await app.sdk.triggers.create({ name: "trial", kind: "api", batch: "batch", test: true });
    const { execution } = await app.sdk.triggers.fire(id, { a: 1 });
    expect(execution).toMatchObject({ test: true });
    await expect(app.sdk.triggers.fire(id)).rejects.toMatchObject({ status: 404 });
    await app.ended({ id: execution?.id ?? 0 });
    expect((await app.sdk.executions.list()).items).toEqual([]);
    expect((await app.sdk.executions.list({ test: "all" })).items).toMatchObject([{ id: execution?.id, test: true }]);
    expect((await app.sdk.executions.list({ test: "1", batch: "batch" })).items).toHaveLength(1);
  });

  it("two firings at once: one is carried out", async () => {
    const app = await startApp();
    const { id } = await app.sdk.triggers.create({ name: "trial", kind: "api", test: true });
    const results = await Promise.allSettled([1, 2, 3].map(() => app.sdk.triggers.fire(id)));
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(app.events.count("trigger.fired")).toBe(1);
  });

  it("missed altogether because the service was down, it fires when that is back", async () => {
    const app = await startApp();
    await app.sdk.triggers.create({ name: "trial", kind: "once", at: "2026-12-01T13:00:00Z", test: true });
    await app.stop();
    app.clock.advance({ hours: 5 });
    const again = await app.restart();
    expect(await again.events.next("trigger.fired")).toMatchObject({ test: true });
    await again.events.next("trigger.deleted");
  });
});
