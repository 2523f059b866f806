// The stream of events: each once and in order, from the place that a reader names, over breaks and restarts.
import { expect, it, onTestFinished } from "vitest";
import { Database } from "../../src/database/database.js";
import { Event } from "../../src/entities/event.js";
import type { EventView } from "../../src/models/event.js";
import { startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { Watching } from "../support/watching.js";

const open = ({ app }: TestApp, query = "", lastEventId?: string) =>
  Watching.open(`${app.url}/api/v1/events/stream${query}`, lastEventId);

async function withBatch(name = "hello"): Promise<TestApp> {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("echo hello"), { name });
  return app;
}

const run = async (app: TestApp, batch = "hello") => app.ended(await app.sdk.batches.run(batch));
const viewOf = ({ data }: { data: string }) => JSON.parse(data) as EventView;

it("tells what happens from now on, with ids, and in a form that proxies let through", async () => {
  const app = await withBatch();
  const watching = await open(app);
  expect(watching.response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(watching.response.headers.get("cache-control")).toBe("no-cache, no-transform");
  expect(watching.response.headers.get("x-accel-buffering")).toBe("no");
  const execution = await run(app);
  const events = [await watching.next(), await watching.next(), await watching.next()];
  expect(events.map((event) => viewOf(event).kind)).toEqual([
    "execution.queued",
    "execution.started",
    "execution.finished",
  ]);
  expect(events.map(({ event }) => event)).toEqual(["event", "event", "event"]);
  expect(events.map(({ id }) => Number(id))).toEqual(events.map((event) => viewOf(event).id));
  expect(viewOf(events[0]!).executionId).toBe(execution.id);
  expect(watching.text.startsWith("retry: 1000\n\n")).toBe(true);
});

it("goes on behind the event that the reader has had, by its header or by ?from=", async () => {
  const app = await withBatch();
  const first = await open(app, "?from=0");
  await run(app);
  await first.until(() => first.seen.length === 4);
  first.leave();
  await run(app);
  for (const again of [await open(app, "", first.lastEventId), await open(app, `?from=${first.lastEventId}`)]) {
    await again.until(() => again.seen.length === 3);
    expect(again.seen.map(({ id }) => Number(id))).toEqual([5, 6, 7]);
  }
});

it("begins now for a place that lies in the future, whatever number that is", async () => {
  const app = await withBatch();
  const watching = await open(app, "", "1000000000000000000");
  await run(app);
  expect(viewOf(await watching.next()).kind).toBe("execution.queued");
});

it.each(["x", "-1", "1e3", "1;2", "9".repeat(400)])("refuses %s as a place in plain words", async (id) => {
  const app = await startApp();
  const response = await app.request("/api/v1/events/stream", { headers: { "Last-Event-ID": id } });
  expect(await problemOf(response)).toMatchObject({ status: 400, code: "invalid_last_event_id" });
});

it("tells what was asked for alone", async () => {
  const app = await withBatch();
  await app.sdk.batches.create(await scriptZip("exit 3"), { name: "other" });
  const watchings = await Promise.all(
    [
      "?batch=other&from=0",
      "?kind=execution.finished,batch.*&from=0",
      "?execution=2&from=0",
      "?subject=batch:1&from=0",
    ].map((query) => open(app, query)),
  );
  const all = await open(app, "?from=0");
  await run(app);
  await run(app, "other");
  await all.until(() => all.seen.length === 8);
  const expected = all.seen.map(viewOf);
  const filters: ((event: EventView) => boolean)[] = [
    ({ batchId }) => batchId === 2,
    ({ kind }) => kind === "execution.finished" || kind.startsWith("batch."),
    ({ executionId }) => executionId === 2,
    ({ subject }) => subject.type === "batch" && subject.id === 1,
  ];
  for (const [i, watching] of watchings.entries()) {
    const wanted = expected.filter(filters[i]!);
    await watching.until(() => watching.seen.length === wanted.length);
    expect(watching.seen.map(viewOf)).toEqual(wanted);
  }
});

it("answers a filter that names nothing in plain words", async () => {
  const app = await startApp();
  expect(await problemOf(await app.request("/api/v1/events/stream?batch=nobody"))).toMatchObject({ status: 404 });
  expect(await problemOf(await app.request("/api/v1/events/stream?kind=nothing"))).toMatchObject({ status: 400 });
});

it("goes on over a restart of the service as if there had been none", async () => {
  const app = await withBatch();
  const before = await open(app, "?from=0");
  await run(app);
  await before.until(() => before.seen.length === 4);
  const restarted = await app.restart();
  await before.rest();
  expect(before.text).toMatch(/: the service stops; come again\n\n$/);
  await run(restarted);
  const after = await open(restarted, "", before.lastEventId);
  await after.until(() => after.seen.length === 3);
  expect([...before.seen, ...after.seen].map(({ id }) => Number(id))).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it("tells what another service process on the same database brings about", async () => {
  const app = await withBatch();
  const other = await app.another();
  const watching = await open(other, "?kind=execution.finished");
  const { id } = await app.sdk.batches.run("hello");
  expect(viewOf(await watching.next()).executionId).toBe(id);
});

it("says first that events are gone which the reader has not had", async () => {
  const app = await withBatch();
  await run(app);
  const database = await Database.open(app.config.databaseUrl);
  onTestFinished(() => database.close());
  await database.write(async ({ manager }) => {
    await manager.query("DELETE FROM events WHERE id <= 3");
    await manager.query("DELETE FROM service_state WHERE name = 'events_deleted_to'");
    await manager.query("INSERT INTO service_state (name, value) VALUES ('events_deleted_to', '3')");
  });
  const watching = await open(app, "", "1");
  expect(await watching.next()).toEqual({ event: "expired", id: "3", data: '{"deletedTo":3}' });
  expect(viewOf(await watching.next()).id).toBe(4);
  expect(await database.read((manager) => manager.count(Event))).toBe(1);
});

it("is had 50 times by one client at once, and not more", async () => {
  const app = await startApp();
  const watchings = await Promise.all(Array.from({ length: 50 }, () => open(app)));
  const refused = await app.request("/api/v1/events/stream");
  expect(refused.headers.get("retry-after")).toBe("5");
  expect(await problemOf(refused)).toMatchObject({ status: 429, code: "too_many_streams" });
  watchings[0]?.leave();
  await expect.poll(async () => (await app.request("/api/v1/events/stream", { method: "HEAD" })).status).toBe(200);
});

it("answers HEAD with its headers and no stream", async () => {
  const app = await startApp();
  const head = await app.request("/api/v1/events/stream", { method: "HEAD" });
  expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([
    200,
    "text/event-stream; charset=utf-8",
    "",
  ]);
});
