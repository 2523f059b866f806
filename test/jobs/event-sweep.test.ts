// The sweep of events: with a moved clock they are archived, then deleted, each kind at its age.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { deletedTo, pageOfEvents } from "../../src/database/event-queries.js";
import { EventLog } from "../../src/handlers/event-log.js";
import { EventSweep } from "../../src/jobs/event-sweep.js";
import { EVENT_KINDS, eventQuery, type EventKind } from "../../src/models/event.js";
import type { EventAges } from "../../src/models/event-ages.js";
import { startApp, type TestApp } from "../support/app.js";
import { takePen } from "../support/event-pen.js";
import { FakeClock } from "../support/fake-clock.js";
import { freshDatabase } from "../support/fresh-database.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

/** What is left, oldest first; archived ones in brackets. */
async function left({ sdk }: TestApp): Promise<string[]> {
  const { items } = await sdk.events.list({ archived: "all", test: "all", limit: 200 });
  return items.map(({ kind, archived }) => (archived ? `(${kind})` : kind)).reverse();
}

/** The counts of every sweep that had something to tell, oldest first. */
async function sweeps({ sdk }: TestApp) {
  const { items } = await sdk.events.list({ kind: "retention.done", archived: "all" });
  return items.map(({ payload }) => payload).reverse();
}

const kinds: EventKind[] = ["batch.uploaded", "execution.finished", "trigger.fired", "token.made"];

describe("unless anything else is set", () => {
  it("events are archived after 2 hours and deleted after 48, what people did after a week and a year", async () => {
    const app = await startApp();
    const pen = await takePen(app);
    await pen.write(...kinds.map((kind) => ({ kind })), { kind: "execution.queued", test: true });
    app.clock.advance({ hours: 1, minutes: 50 });
    await pen.write({ kind: "delivery.sent" });
    app.clock.advance({ minutes: 10 });
    await expect.poll(() => sweeps(app), PATIENCE).toEqual([{ archived: 3, deleted: 0 }]);
    expect(await left(app)).toEqual([
      ...["batch.uploaded", "(execution.finished)", "(trigger.fired)", "token.made", "(execution.queued)"],
      ...["delivery.sent", "retention.done"],
    ]);
    const [done] = (await app.sdk.events.list({ kind: "retention.done" })).items;
    expect(done).toMatchObject({ subject: { type: "service", id: null, name: "batchline" }, source: "system" });
    expect(await pen.database.read(deletedTo)).toBe(0);
    app.clock.advance({ hours: 46 });
    await expect.poll(() => sweeps(app), PATIENCE).toHaveLength(2);
    expect(await left(app)).toEqual([
      "batch.uploaded",
      "token.made",
      "(delivery.sent)",
      "(retention.done)",
      "retention.done",
    ]);
    expect((await sweeps(app))[1]).toEqual({ archived: 2, deleted: 3 });
    expect(await pen.database.read(deletedTo)).toBe(5);
    app.clock.advance({ days: 5, minutes: 1 });
    await expect.poll(() => left(app), PATIENCE).toEqual(["(batch.uploaded)", "(token.made)", "retention.done"]);
    app.clock.advance({ days: 358 });
    await expect.poll(() => sweeps(app), PATIENCE).toEqual([{ archived: 0, deleted: 3 }]);
    expect(await left(app)).toEqual(["retention.done"]);
  });
});

it("each kind has the age that is set for it, and what is never to go stays", async () => {
  const settings = {
    EVENT_ARCHIVE_AFTER: "never, execution.*=1h, execution.finished=2h",
    EVENT_DELETE_AFTER: "10d, token.*=never, execution.*=2h, trigger.fired=1h",
  };
  const app = await startApp(settings);
  const pen = await takePen(app);
  await pen.write(...kinds.map((kind) => ({ kind })), { kind: "execution.queued" });
  app.clock.advance({ hours: 1 });
  const atFirst = ["batch.uploaded", "execution.finished", "token.made", "(execution.queued)", "retention.done"];
  await expect.poll(() => left(app), PATIENCE).toEqual(atFirst);
  app.clock.advance({ hours: 1 });
  const then = ["batch.uploaded", "token.made", "retention.done", "retention.done"];
  await expect.poll(() => left(app), PATIENCE).toEqual(then);
  app.clock.advance({ days: 400 });
  await expect.poll(() => left(app), PATIENCE).toEqual(["token.made", "retention.done"]);
});

describe("a sweep by itself", () => {
  const ages = (age: number) => Object.fromEntries(EVENT_KINDS.map((kind) => [kind, age])) as EventAges;

  /** Sweepers of services that do nothing else, all on one database, for which everything is archived after a minute. */
  async function sweepers(count: number) {
    const folder = await mkdtemp(path.join(tmpdir(), "batchline-sweep-"));
    const { url, drop } = await freshDatabase(folder);
    onTestFinished(async () => {
      await drop();
      await rm(folder, { recursive: true });
    });
    const clock = new FakeClock();
    const events = new EventLog({ clock });
    const pens = [];
    for (let i = 0; i < count; i++) pens.push(await takePen({ config: { databaseUrl: url }, clock }));
    const settings = { events, clock, archiveAfter: ages(60_000), deleteAfter: ages(3_600_000) };
    const all = pens.map(({ database }) => new EventSweep({ ...settings, database }));
    const [[pen], [sweep]] = [pens, all];
    if (!pen || !sweep) throw new Error("There must be one.");
    const of = async (query: object) => {
      const filter = eventQuery.parse({ archived: "all", limit: "200", ...query });
      return (await pen.database.read((manager) => pageOfEvents(manager, filter))).events;
    };
    return { clock, pen, sweep, sweeps: all, of };
  }

  it("is every 5 minutes of the clock, wherever that is set to", async () => {
    const { clock, pen, sweep, of } = await sweepers(1);
    const archived = async () => (await of({ kind: "trigger.fired", archived: "1" })).length;
    await sweep.look();
    await pen.write({ kind: "trigger.fired" });
    clock.advance({ minutes: 4, seconds: 59 });
    await sweep.look();
    expect(await archived()).toBe(0);
    clock.advance({ seconds: 1 });
    await sweep.look();
    expect(await archived()).toBe(1);
    clock.advance({ days: -2 });
    await pen.write({ kind: "trigger.fired" });
    await sweep.look();
    clock.advance({ minutes: 5 });
    await sweep.look();
    expect(await archived()).toBe(2);
  });

  it("does so much in one look, goes on in the next, and tells of all of it once", async () => {
    const { clock, pen, sweep, of } = await sweepers(1);
    await pen.write(...Array.from({ length: 4300 }, () => ({ kind: "trigger.fired" as const })));
    clock.advance({ hours: 1 });
    await sweep.look();
    expect(await of({ kind: "trigger.fired" })).toHaveLength(200);
    expect(await of({ kind: "retention.done" })).toEqual([]);
    expect(await pen.database.read(deletedTo)).toBeGreaterThan(0);
    while ((await of({ kind: "trigger.fired" })).length > 0) await sweep.look();
    await sweep.look();
    expect(await of({})).toMatchObject([{ kind: "retention.done", payload: { deleted: 4300, archived: 0 } }]);
    expect(await pen.database.read(deletedTo)).toBe(4300);
  });

  it("tells of no other sweep, so that a quiet service is quiet", async () => {
    const { clock, pen, sweep, of } = await sweepers(1);
    const left = async () => (await of({})).map(({ kind, archived }) => (archived ? `(${kind})` : kind)).reverse();
    await pen.write({ kind: "trigger.fired" });
    for (const [minutes, then] of [
      [5, ["(trigger.fired)", "retention.done"]],
      [5, ["(trigger.fired)", "(retention.done)"]],
      [50, ["(retention.done)", "retention.done"]],
      [120, []],
    ] as const) {
      clock.advance({ minutes });
      await sweep.look();
      expect(await left()).toEqual(then);
    }
    expect(await pen.database.read(deletedTo)).toBe(3);
  });

  it("may be made by several services at once: each tells what it has done itself", async () => {
    const { clock, pen, sweeps: all, of } = await sweepers(3);
    await pen.write(...Array.from({ length: 3000 }, () => ({ kind: "trigger.fired" as const })));
    clock.advance({ hours: 1 });
    const finish = async (sweep: EventSweep) => {
      for (let i = 0; i < 40; i++) await sweep.look();
    };
    await Promise.all(all.map(finish));
    const left = await of({});
    expect(left.map(({ kind }) => kind)).toEqual(left.map(() => "retention.done"));
    expect(left.reduce((sum, { payload }) => sum + Number(payload["deleted"]), 0)).toBe(3000);
  });
});

it("who was disabled when can be told as long as the batch is there", async () => {
  const app = await startApp({ EVENT_ARCHIVE_AFTER: "1h", EVENT_DELETE_AFTER: "2h" });
  const { sdk, clock } = app;
  const { id } = await sdk.batches.create(await scriptZip("true"), { name: "batch" });
  await sdk.batches.disable("batch");
  clock.advance({ hours: 1 });
  const then = new Date(clock.now()).toISOString();
  clock.advance({ hours: 1 });
  await sdk.batches.enable("batch");
  clock.advance({ days: 2 });
  const switches = ["(batch.disabled)", "(batch.enabled)"];
  await expect.poll(() => left(app), PATIENCE).toEqual([...switches, "retention.done"]);
  expect(JSON.stringify(await sdk.batches.why("batch", then))).toContain("administrator");
  await sdk.batches.remove(id);
  clock.advance({ days: 2 });
  await expect.poll(() => left(app), PATIENCE).toEqual(["retention.done"]);
});
