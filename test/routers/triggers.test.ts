// Triggers as a resource: made, read, listed, edited and deleted, with the plan following each change at once.
import { describe, expect, it } from "vitest";
import type { TriggerRequest } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const HOURLY: TriggerRequest = { name: "hourly", kind: "cron", cron: "0 * * * *" };

async function withBatch(): Promise<TestApp> {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("true"), { name: "batch" });
  return app;
}

const rowsOf = async ({ sdk }: TestApp) => (await sdk.executions.list({ batch: "batch" })).items;

describe("made and read", () => {
  it("of each kind, with words, next runs and its address", async () => {
    const { sdk } = await withBatch();
    const cron = await sdk.triggers.create({
      ...HOURLY,
      batch: "batch",
      description: "so it is",
      timeZone: "Europe/Oslo",
    });
    expect(cron).toMatchObject({
      ...{ id: 1, kind: "cron", name: "hourly", description: "so it is", batchId: 1, cron: "0 * * * *", at: null },
      ...{ words: "Every hour, every day, Europe/Oslo", enabled: true, test: false, ofConfig: false },
      ...{ fireUrl: null, token: null, secrets: [], version: null, lastFiredAt: null, schema: null },
    });
    expect(cron.nextRuns).toHaveLength(5);
    expect(cron.nextRuns[0]).toBe("2026-12-01T13:00:00.000Z");
    const once = await sdk.triggers.create({ name: "once", kind: "once", at: "2027-01-31T08:00:00+01:00" });
    expect(once).toMatchObject({
      batchId: null,
      at: "2027-01-31T07:00:00.000Z",
      nextRuns: ["2027-01-31T07:00:00.000Z"],
    });
    const api = await sdk.triggers.create({ name: "api", kind: "api", batch: 1, schema: { type: "object" } });
    expect(api).toMatchObject({ words: "When it is fired", fireUrl: "/api/v1/triggers/3/fire", nextRuns: [] });
    expect(api.schema).toEqual({ type: "object" });
    for (const made of [cron, once, api]) expect(await sdk.triggers.get(made.id)).toEqual(made);
    const daily = await sdk.triggers.create({
      name: "daily",
      kind: "cron",
      every: { frequency: "daily", at: "02:30" },
    });
    expect(daily).toMatchObject({ cron: "30 2 * * *" });
  });

  it("and answers with its address; with the same key once", async () => {
    const app = await startApp();
    const headers = { "Content-Type": "application/json", "Idempotency-Key": "one" };
    const send = () =>
      app.request("/api/v1/triggers", { method: "POST", headers, body: JSON.stringify({ ...HOURLY, name: "a" }) });
    const [first, second] = [await send(), await send()];
    expect([first.status, first.headers.get("location")]).toEqual([201, "/api/v1/triggers/1"]);
    expect([second.status, second.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
    expect(await second.json()).toEqual(await first.json());
    expect((await app.sdk.triggers.list()).items).toHaveLength(1);
  });

  it("a batch's own schedule is one of them", async () => {
    const { sdk } = await startApp();
    const { schedule } = await sdk.batches.create(await scriptZip("true"), { name: "batch", cron: "0 * * * *" });
    expect(await sdk.triggers.list()).toMatchObject({
      items: [{ id: schedule?.triggerId, ofConfig: true, name: null }],
    });
  });

  it("a batch shows the next runs of all its triggers together", async () => {
    const { sdk } = await startApp();
    await sdk.batches.create(await scriptZip("true"), { name: "batch", cron: "0 6 * * *" });
    await sdk.triggers.create({ ...HOURLY, cron: "30 6 * * *", batch: "batch" });
    expect((await sdk.batches.get("batch")).nextRuns.map((at) => at.slice(8, 16))).toEqual([
      ...["02T06:00", "02T06:30", "03T06:00", "03T06:30", "04T06:00"],
    ]);
  });
});

describe("listed", () => {
  it("newest first in pages, by kind, batch, name and switch; tests only when asked for", async () => {
    const { sdk } = await withBatch();
    const names = ["a", "b", "c", "d"];
    for (const name of names) await sdk.triggers.create({ ...HOURLY, name });
    await sdk.triggers.create({ name: "Fire 100%", kind: "api", batch: "batch", enabled: false });
    await sdk.triggers.create({ name: "trial", kind: "api", test: true });
    const listed = async (query: Parameters<typeof sdk.triggers.list>[0]) =>
      (await sdk.triggers.list(query)).items.map(({ name }) => name);
    expect(await listed({})).toEqual(["Fire 100%", ...names.toReversed()]);
    expect(await listed({ test: "1" })).toEqual(["trial"]);
    expect(await listed({ test: "all", kind: "api" })).toEqual(["trial", "Fire 100%"]);
    expect(await listed({ batch: "batch" })).toEqual(["Fire 100%"]);
    expect(await listed({ enabled: false })).toEqual(["Fire 100%"]);
    expect(await listed({ search: "fire 100%" })).toEqual(["Fire 100%"]);
    expect(await listed({ search: "_" })).toEqual([]);
    const page = await sdk.triggers.list({ limit: 2 });
    expect(await listed({ limit: 3, cursor: page.next ?? "" })).toEqual(["c", "b", "a"]);
  });
});

describe("edited", () => {
  it("the plan follows at once, by PATCH and by PUT", async () => {
    const app = await withBatch();
    const { id } = await app.sdk.triggers.create({ ...HOURLY, batch: "batch" });
    const patched = await app.sdk.triggers.edit(id, { cron: "15 * * * *" });
    expect(patched.nextRuns[0]).toBe("2026-12-01T12:15:00.000Z");
    app.clock.advance({ minutes: 15 });
    await expect.poll(() => rowsOf(app)).toMatchObject([{ scheduledAt: "2026-12-01T12:15:00.000Z" }]);
    await app.sdk.triggers.replace(id, { name: "late", kind: "cron", cron: "50 * * * *", batch: "batch" });
    app.clock.advance({ minutes: 30 });
    expect(await rowsOf(app)).toHaveLength(1);
    app.clock.advance({ minutes: 5 });
    await expect.poll(() => rowsOf(app)).toHaveLength(2);
  });

  it("what fell due before has its row, and nothing is doubled", async () => {
    const app = await withBatch();
    const { id } = await app.sdk.triggers.create({ ...HOURLY, batch: "batch" });
    app.clock.advance({ hours: 1 });
    await app.sdk.triggers.edit(id, { cron: "0 0 * * *" });
    await expect.poll(() => rowsOf(app)).toMatchObject([{ scheduledAt: "2026-12-01T13:00:00.000Z" }]);
  });

  it("keeps its kind, and what was not named", async () => {
    const { sdk } = await startApp();
    const made = await sdk.triggers.create({ ...HOURLY, description: "long", timeZone: "Asia/Tokyo" });
    expect(await sdk.triggers.edit(made.id, { name: "other" })).toMatchObject({
      ...{ name: "other", description: "long", timeZone: "Asia/Tokyo", nextRuns: made.nextRuns },
    });
    const other = sdk.triggers.edit(made.id, { kind: "api", cron: null });
    await expect(other).rejects.toMatchObject({ status: 409, problem: { code: "other_kind" } });
  });

  it("is refused when somebody else was first", async () => {
    const { sdk } = await startApp();
    const { id, etag } = await sdk.triggers.create(HOURLY);
    await sdk.triggers.edit(id, { name: "b" }, { ifMatch: etag });
    const stale = { status: 412, problem: { code: "stale" } };
    await expect(sdk.triggers.edit(id, { name: "c" }, { ifMatch: etag })).rejects.toMatchObject(stale);
    await expect(sdk.triggers.remove(id, { ifMatch: etag })).rejects.toMatchObject(stale);
  });

  it("a batch's own schedule is edited there; its switch, name and version here", async () => {
    const { sdk } = await startApp();
    const { schedule } = await sdk.batches.create(await scriptZip("true"), { name: "batch", cron: "0 * * * *" });
    const id = schedule?.triggerId ?? 0;
    const there = { status: 409, problem: { code: "belongs_to_config" } };
    await expect(sdk.triggers.edit(id, { cron: "1 * * * *" })).rejects.toMatchObject(there);
    await expect(sdk.triggers.remove(id)).rejects.toMatchObject(there);
    expect(await sdk.triggers.edit(id, { enabled: false, name: "paused" })).toMatchObject({ nextRuns: [] });
    expect((await sdk.batches.get("batch")).nextRuns).toEqual([]);
    await sdk.batches.edit("batch", { cron: "5 * * * *" });
    expect(await sdk.triggers.get(id)).toMatchObject({
      cron: "5 * * * *",
      enabled: false,
      nextRuns: [],
      name: "paused",
    });
  });
});

describe("disabled and deleted", () => {
  it("a disabled one plans nothing, and goes on after its pause without making up for it", async () => {
    const app = await withBatch();
    const { id } = await app.sdk.triggers.create({ ...HOURLY, batch: "batch" });
    expect(await app.sdk.triggers.edit(id, { enabled: false })).toMatchObject({ enabled: false, nextRuns: [] });
    app.clock.advance({ hours: 3 });
    expect((await app.sdk.triggers.edit(id, { enabled: true })).nextRuns[0]).toBe("2026-12-01T16:00:00.000Z");
    app.clock.advance({ hours: 1 });
    await expect.poll(() => rowsOf(app)).toMatchObject([{ scheduledAt: "2026-12-01T16:00:00.000Z" }]);
  });

  it("enabling the batch does not enable the trigger, and a trigger of a disabled batch waits for it", async () => {
    const app = await withBatch();
    const off = await app.sdk.triggers.create({ ...HOURLY, name: "off", batch: "batch", enabled: false });
    await app.sdk.batches.disable("batch");
    const on = await app.sdk.triggers.create({ ...HOURLY, name: "on", batch: "batch" });
    expect(on.nextRuns).toEqual([]);
    await app.sdk.batches.enable("batch");
    expect((await app.sdk.triggers.get(on.id)).nextRuns).toHaveLength(5);
    expect((await app.sdk.triggers.get(off.id)).nextRuns).toEqual([]);
  });

  it("a deleted one fires no more, and what it has started keeps its name", async () => {
    const app = await withBatch();
    const { id } = await app.sdk.triggers.create({ ...HOURLY, batch: "batch" });
    app.clock.advance({ hours: 1 });
    await expect.poll(() => rowsOf(app)).toHaveLength(1);
    await app.sdk.triggers.remove(id);
    await expect(app.sdk.triggers.get(id)).rejects.toMatchObject({ status: 404 });
    app.clock.advance({ hours: 2 });
    expect(await rowsOf(app)).toMatchObject([{ trigger: { id, kind: "cron", name: "hourly" } }]);
  });

  it("goes with its batch", async () => {
    const { sdk } = await withBatch();
    const { id } = await sdk.triggers.create({ ...HOURLY, batch: "batch" });
    await sdk.batches.remove("batch");
    await expect(sdk.triggers.get(id)).rejects.toMatchObject({ status: 404 });
  });
});

it("refuses what cannot be meant, in words, and leaves nothing behind", async () => {
  const app = await withBatch();
  const refused: [Record<string, unknown>, number, RegExp][] = [
    [{ kind: "cron" }, 400, /\/name is missing/],
    [{ name: "a", kind: "cron" }, 400, /\/cron is missing: of kind cron, its schedule is given as cron or every/],
    [{ name: "a", kind: "cron", cron: "61 * * * *" }, 400, /\/cron .*minute/],
    [
      { name: "a", kind: "cron", cron: "0 * * * *", at: "2027-01-01T00:00:00Z" },
      400,
      /\/at does not go with kind cron/,
    ],
    [{ name: "a", kind: "cron", cron: "* * * * * *", every: "daily" }, 400, /\/every give only one/],
    [{ name: "a", kind: "cron", cron: "0 0 30 2 *" }, 400, /\/cron .*never/],
    [{ name: "a", kind: "cron", cron: "0 * * * *", timeZone: "Mars/Base" }, 400, /\/timeZone must be an IANA/],
    [{ name: "a", kind: "once", at: "2026-12-01T11:59:59Z" }, 400, /\/at lies in the past \(it is 2026-12-01T12:00/],
    [{ name: "a", kind: "once", at: "2027-01-01" }, 400, /\/at must be one instant/],
    [{ name: "a", kind: "api", cron: "0 * * * *" }, 400, /\/cron does not go with kind api: it fires when/],
    [{ name: "a", kind: "cron", cron: "0 * * * *", schema: {} }, 400, /\/schema goes with kind api only/],
    [{ name: "a", kind: "api", version: 1 }, 400, /\/version goes with a batch only/],
    [{ name: "a", kind: "api", batch: "batch", version: 9 }, 404, /no version 9/],
    [{ name: "a", kind: "api", batch: "nobody" }, 404, /no batch with the id or name "nobody"/],
    [{ name: "a".repeat(129), kind: "api" }, 400, /\/name must have at most 128 characters/],
    [{ name: "a\u0007", kind: "api" }, 400, /\/name must not hold control/],
    [{ name: "a", kind: "api", shema: {} }, 400, /\/shema unknown key; did you mean schema\?/],
    [{ name: "a", kind: "hook" }, 400, /\/kind must be api, once or cron/],
    [{ name: "a", kind: "api", schema: "object" }, 400, /\/schema must be a JSON Schema/],
  ];
  for (const [body, status, words] of refused) {
    const headers = { "Content-Type": "application/json" };
    const answer = await app.request("/api/v1/triggers", { method: "POST", headers, body: JSON.stringify(body) });
    const problem = await problemOf(answer);
    expect([problem.status, problem.detail], JSON.stringify(body)).toEqual([status, expect.stringMatching(words)]);
  }
  expect((await app.sdk.triggers.list({ test: "all" })).items).toEqual([]);
});
