// Pages of events where there are a million of them, at every depth and by every filter; and the sweep that deletes many.
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { EntityManager } from "typeorm";
import { Database } from "../src/database/database.js";
import { pageOfEvents } from "../src/database/event-queries.js";
import { EventLog, type LoggedEvent } from "../src/handlers/event-log.js";
import { EventSweep } from "../src/jobs/event-sweep.js";
import { ARCHIVE_AFTER, DELETE_AFTER, parseEventAges, type EventAges } from "../src/models/event-ages.js";
import { encodeEventCursor, eventQuery } from "../src/models/event.js";
import { freshDatabase } from "../test/support/fresh-database.js";
import { counted, scaled } from "./scale.js";
import { newFolder, startService } from "./service.js";
import { median, percentile, round, table } from "./statistics.js";

const EVENTS = scaled(1_000_000);
const SWEPT = scaled(100_000);
const LIVE_SHARE = 0.04;
const DEPTHS = [0.9999, 0.99, 0.97, 0.9, 0.7, 0.5, 0.3, 0.1, 0.03, 0.0001];
const ROUNDS = 20;
const PER_STATEMENT = 100_000;
/** One event every 172.8 ms: a million are what two days leave. */
const SPACING_MS = 172.8;
const DAY_MS = 86_400_000;

const BOTH = "archived=all&test=all";
const INSTANTS = "from=FIRST&to=LAST";
const FILTERS = [
  "",
  BOTH,
  "archived=1",
  "test=1&archived=1",
  `archived=1&${INSTANTS}`,
  `archived=1&limit=200`,
  "kind=execution.started&archived=1",
  `kind=batch.edited&${BOTH}`,
  `kind=execution.*&${BOTH}`,
  `batch=1&${BOTH}`,
  `batch=17&${BOTH}`,
  `batch=1&kind=batch.edited&${BOTH}`,
  `batch=1&kind=execution.*&${BOTH}`,
  `subject=trigger:5&${BOTH}`,
  "execution=1000",
  `q=nightly&archived=1`,
  `q=nowhere&archived=1`,
  `q=nowhere&batch=1&${BOTH}`,
];

export async function events(): Promise<void> {
  const folder = newFolder();
  const { url, drop } = await freshDatabase(folder);
  const database = await Database.open(url);
  const since = Date.now() - EVENTS * SPACING_MS;
  await fill(database, since);
  await pages(database, url, since);
  await sweep(database, since);
  await database.close();
  await drop();
}

/** Every second event belongs to batch 1, every 100th to a test, every 10,000th is rare; the last ones are not archived. */
async function fill(database: Database, since: number): Promise<void> {
  const digits = `(${Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(" UNION ALL ")})`;
  const numbers = `SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d AS n
    FROM ${["e", "d", "c", "b", "a"].map((name) => `${digits} ${name}`).join(", ")}`;
  for (let from = 0; from < EVENTS; from += PER_STATEMENT) {
    const i = `(n + ${from})`;
    const sql = `INSERT INTO events (kind, occurredAt, batchId, executionId, test, archived,
        subjectType, subjectId, subjectName, source, actor, payload)
      SELECT CASE WHEN ${i} % 10000 = 0 THEN 'batch.edited' WHEN ${i} % 7 = 0 THEN 'trigger.fired'
          WHEN ${i} % 3 = 0 THEN 'execution.queued' WHEN ${i} % 3 = 1 THEN 'execution.started' ELSE 'execution.finished' END,
        ? + ROUND(${i} * ${SPACING_MS}), CASE WHEN ${i} % 2 = 0 THEN 1 ELSE 2 + ${i} % 1000 END, 1 + FLOOR(${i} / 4),
        ${i} % 100 = 0, ${i} < ?, CASE WHEN ${i} % 10000 = 0 THEN 'batch' WHEN ${i} % 7 = 0 THEN 'trigger' ELSE 'execution' END,
        CASE WHEN ${i} % 7 = 0 THEN 5 ELSE 1 + FLOOR(${i} / 4) END, 'nightly report', 'schedule',
        '{"kind":"system","name":"batchline"}', '{"status":"completed","batchId":1,"scheduledAt":"2026-11-25T10:00:00.000Z"}'
      FROM (${numbers}) AS numbers WHERE ${i} < ? ORDER BY n`;
    await database.write(({ manager }) => manager.query(sql, [since, EVENTS * (1 - LIVE_SHARE), EVENTS]));
  }
}

/** What the simplest page costs at least: its rows by a plain statement over the same connection. */
function bare(manager: EntityManager, at: number): Promise<unknown> {
  const from = manager.dataSource.options.type === "mariadb" ? "events FORCE INDEX (ix_events_list)" : "events";
  const where = "archived = 1 AND test = 0 AND occurredAt < ?";
  return manager.query(`SELECT * FROM ${from} WHERE ${where} ORDER BY occurredAt DESC, id DESC LIMIT 51`, [at]);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function pages(database: Database, url: string, since: number): Promise<void> {
  const service = await startService({ DATABASE_URL: url, EVENT_ARCHIVE_AFTER: "never", EVENT_DELETE_AFTER: "never" });
  const instantAt = (depth: number) => Math.round(since + EVENTS * SPACING_MS * depth);
  const floor: number[] = [];
  const rows: string[][] = [];
  for (const filter of FILTERS) {
    const http: number[] = [];
    const byDepth = DEPTHS.map((): number[] => []);
    for (let i = 0; i < ROUNDS; i++) {
      for (const [d, depth] of DEPTHS.entries()) {
        const at = instantAt(depth) - i * 1000;
        const window = filter.replace("FIRST", instant(at - DAY_MS)).replace("LAST", instant(at));
        const query = filter.includes("LAST") ? window : `${filter}&cursor=${encodeEventCursor({ at, id: 1 })}`;
        const asked = eventQuery.parse(Object.fromEntries(new URLSearchParams(query)));
        floor.push(await timed(() => database.read((manager) => bare(manager, at))));
        byDepth[d]?.push(await timed(() => database.read((manager) => pageOfEvents(manager, asked))));
        http.push(await timed(() => service.call("GET", `/api/v1/events?${query}`)));
      }
    }
    const page = byDepth.flat();
    const slowest = round(Math.max(...byDepth.map(median)), 2);
    rows.push([
      `\`${filter.replace(INSTANTS, "from=..&to=..") || "(none)"}\``,
      ...figures(page),
      slowest,
      ...figures(http),
    ]);
    rows.at(-1)?.push(round(median(page) / median(floor), 1));
  }
  await service.stop();
  console.log(
    `## Pages of ${counted(EVENTS)} events (${database.dialect}; ${DEPTHS.length} depths, ${ROUNDS} rounds)\n`,
  );
  console.log(`The bare statement of the simplest page: ${figures(floor).join(" ms at the median, p99 ")} ms\n`);
  const head = [
    "filter",
    "page p50: ms",
    "p99: ms",
    "p50 at the slowest depth: ms",
    "over HTTP p50: ms",
    "p99: ms",
    "page against the bare statement",
  ];
  table(head, rows);
}

const instant = (at: number) => new Date(at).toISOString();
const figures = (values: number[]) => [round(median(values), 2), round(percentile(values, 0.99), 2)];

function agesOf(text: string): EventAges {
  const ages = parseEventAges(text);
  if (typeof ages === "string") throw new Error(ages);
  return ages;
}

/** The clock stands where so many of the oldest events are 48 hours old. */
async function sweep(database: Database, since: number): Promise<void> {
  const now = since + SWEPT * SPACING_MS + 2 * DAY_MS;
  const clock = { now: () => now, onSet: () => () => undefined };
  const settings = { archiveAfter: agesOf(ARCHIVE_AFTER), deleteAfter: agesOf(DELETE_AFTER) };
  const log = new EventLog({ clock });
  const job = new EventSweep({ ...settings, database, events: log, clock });
  const told: LoggedEvent[] = [];
  const forget = log.subscribe((event) => told.push(event));
  const looks: number[] = [];
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  while (told.length === 0) looks.push(await timed(() => job.look()));
  loop.disable();
  forget();
  const total = looks.reduce((sum, ms) => sum + ms, 0);
  console.log(`## The sweep of ${counted(SWEPT)} events to delete and ${counted(EVENTS * LIVE_SHARE)} to archive\n`);
  const turns = [loop.percentile(99), loop.max].map((nanoseconds) => round(nanoseconds / 1e6, 1));
  table(
    ["looks, one a second", "work in all: s", "longest look: ms", "turn p99: ms", "longest turn: ms"],
    [[String(looks.length), round(total / 1000, 2), round(Math.max(...looks)), ...turns]],
  );
}
