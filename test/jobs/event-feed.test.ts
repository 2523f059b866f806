// The event feed: every committed event once and in order, though transactions end in another order than they began in.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { Database } from "../../src/database/database.js";
import { lastSettledEventId } from "../../src/database/feed-queries.js";
import { Event } from "../../src/entities/event.js";
import { Bell } from "../../src/handlers/bell.js";
import { systemClock } from "../../src/handlers/clock.js";
import { EventLog, type NewEvent } from "../../src/handlers/event-log.js";
import { makeLogger } from "../../src/handlers/logger.js";
import { EventFeed } from "../../src/jobs/event-feed.js";
import { SYSTEM } from "../../src/models/actor.js";
import { startApp } from "../support/app.js";
import { freshDatabase, SERVER } from "../support/fresh-database.js";
import { Gate } from "../support/gate.js";
import { scriptZip } from "../support/scripts.js";

/** One service process as far as events go. */
interface Process {
  database: Database;
  events: EventLog;
  feed: EventFeed;
}

async function processes(count: number): Promise<Process[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-feed-"));
  const { url, drop } = await freshDatabase(folder);
  const made: Process[] = [];
  for (let i = 0; i < count; i++) {
    const database = await Database.open(url);
    const events = new EventLog({ clock: systemClock });
    made.push({ database, events, feed: new EventFeed({ database, events, logger: makeLogger("silent") }) });
  }
  onTestFinished(async () => {
    for (const { feed } of made) await feed.close();
    for (const { database } of made) await database.close();
    await drop();
    await rm(folder, { recursive: true });
  });
  return made;
}

function event(n: number): NewEvent {
  const subject = { type: "service", id: 0, name: String(n) } as const;
  return { kind: "retention.done", subject, source: "system", actor: SYSTEM };
}

/** Listens from now on; the events are fetched as a reader does, at its own pace. */
async function listener({ feed }: Process) {
  const bell = new Bell();
  const gone = new AbortController();
  onTestFinished(() => gone.abort());
  await feed.listen(bell.ring, gone.signal);
  const seen: Event[] = [];
  let position = feed.head;
  const until = async (count: number, paceMs = 0) => {
    while (seen.length < count) {
      const page = await feed.after(position);
      seen.push(...page);
      position = page.at(-1)?.id ?? position;
      if (page.length === 0) await bell.rung(100);
      else if (paceMs > 0) await delay(paceMs);
    }
    return seen.map(({ id }) => id);
  };
  return { until, leave: () => gone.abort() };
}

const idsIn = async ({ database }: Process) =>
  (await database.read((manager) => manager.find(Event, { order: { id: "ASC" } }))).map(({ id }) => id);

/** Writes `count` transactions of one to three events at once, which take their time; every fifth changes its mind. */
async function writeMany({ database, events }: Process, count: number): Promise<void> {
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, (_, n) =>
      database.write(async (transaction) => {
        await events.append(transaction, event(n));
        // What a transaction does between its first event and its commit; on SQLite nobody else could write meanwhile.
        if (database.dialect === "mysql") await delay(Math.random() * 30);
        if (n % 3 === 0) await events.append(transaction, event(n), event(n));
        if (n % 5 === 0) throw new Error("changed my mind");
      }),
    ),
  );
  expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(Math.ceil(count / 5));
}

it("tells what two processes write at once: each event once, in order, none missed", { timeout: 60_000 }, async () => {
  const [one, two, third] = (await processes(3)) as [Process, Process, Process];
  const listeners = [await listener(one), await listener(third), await listener(third)];
  const writing = Promise.all([writeMany(one, 300), writeMany(two, 300)]);
  // What the transactions that are kept write: one event each, and two more for every third.
  const expected = 2 * (300 - 60 + 2 * (100 - 20));
  const told = await Promise.all(listeners.map(({ until }, i) => until(expected, i === 2 ? 5 : 0)));
  await writing;
  const written = await idsIn(one);
  expect(written).toHaveLength(expected);
  for (const ids of told) expect(ids).toEqual(written);
});

/** Writes the first event, and keeps its transaction open until what it returns is called. */
async function openTransaction({ database, events }: Process): Promise<() => Promise<void>> {
  let finish = () => {};
  const held = new Promise<void>((resolve) => (finish = resolve));
  let begun = () => {};
  const hasBegun = new Promise<void>((resolve) => (begun = resolve));
  const slow = database.write(async (transaction) => {
    await events.append(transaction, event(1));
    begun();
    await held;
  });
  await hasBegun;
  return () => {
    finish();
    return slow;
  };
}

/** SQLite has one writer at a time. */
const onServer = it.runIf(SERVER !== undefined);

onServer("passes no event by whose transaction is still open, however many come after it", async () => {
  const [one, two] = (await processes(2)) as [Process, Process];
  const hearing = await listener(one);
  const finish = await openTransaction(two);
  const told = hearing.until(4);
  for (let n = 2; n <= 4; n++) await one.database.write((transaction) => one.events.append(transaction, event(n)));
  await finish();
  expect(await told).toEqual(await idsIn(one));
});

onServer("has nobody wait who writes events while it waits itself for the end of an open transaction", async () => {
  const [one, two] = (await processes(2)) as [Process, Process];
  const finish = await openTransaction(two);
  const settled = lastSettledEventId(one.database);
  await two.database.write((transaction) => two.events.append(transaction, event(2)));
  await finish();
  expect(await settled).toBe(2);
});

it("forgets what nobody listens to, and begins anew for the next listener", async () => {
  const [one] = (await processes(1)) as [Process];
  const first = await listener(one);
  await one.database.write((transaction) => one.events.append(transaction, event(1)));
  await first.until(1);
  first.leave();
  await one.database.write((transaction) => one.events.append(transaction, event(2)));
  const second = await listener(one);
  await one.database.write((transaction) => one.events.append(transaction, event(3)));
  expect(await second.until(1)).toEqual([3]);
  expect((await one.feed.after(0)).map(({ id }) => id)).toEqual([1, 2, 3]);
});

it("fetches what is not kept any more from the database", { timeout: 60_000 }, async () => {
  const [one] = (await processes(1)) as [Process];
  const late = await listener(one);
  const prompt = await listener(one);
  for (let n = 0; n < 30; n++) {
    const many = Array.from({ length: 50 }, (_, i) => event(n * 50 + i));
    await one.database.write((transaction) => one.events.append(transaction, ...many));
  }
  const all = await prompt.until(1500);
  expect(all).toEqual(await idsIn(one));
  expect(await late.until(1500)).toEqual(all);
});

it("keeps few events that carry much", async () => {
  const [one] = (await processes(1)) as [Process];
  const hearing = await listener(one);
  const heavy = { ...event(1), payload: { text: "x".repeat(900_000) } };
  for (let n = 0; n < 8; n++) await one.database.write((transaction) => one.events.append(transaction, heavy));
  expect(await hearing.until(8)).toHaveLength(8);
  // A page is bounded by what it carries: one such event at a time, though eight are there.
  expect(await one.feed.after(0)).toHaveLength(1);
});

it("says when an execution has ended, whichever process ran it, and at once if it has", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  await app.sdk.batches.create(await scriptZip(gate.pass()), { name: "batch" });
  const { id } = await app.sdk.batches.run("batch");
  await gate.arrival();
  const database = await Database.open(app.config.databaseUrl);
  const events = new EventLog({ clock: systemClock });
  const feed = new EventFeed({ database, events, logger: makeLogger("silent") });
  onTestFinished(async () => {
    await feed.close();
    await database.close();
  });
  const never = new AbortController().signal;
  const ended = feed.ended(id, never);
  await feed.ended(id, AbortSignal.timeout(20)); // the patience of whoever asks is over: no error
  gate.open();
  await ended;
  expect((await app.sdk.executions.get(id)).status).toBe("completed");
  await feed.ended(id, never);
  await expect(feed.ended(99, never)).rejects.toThrow("There is no execution 99.");
});
