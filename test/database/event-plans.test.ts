// How events are found: on both databases every statement of a page walks along an index that has its order already.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { EntityManager } from "typeorm";
import { beforeAll, describe, expect, it } from "vitest";
import { Database } from "../../src/database/database.js";
import { archivable, overage, pageOfEvents } from "../../src/database/event-queries.js";
import { insertRows } from "../../src/database/plain.js";
import { Event } from "../../src/entities/event.js";
import { SYSTEM } from "../../src/models/actor.js";
import { encodeEventCursor, EVENT_KINDS, eventQuery } from "../../src/models/event.js";
import { freshDatabase, SERVER } from "../support/fresh-database.js";

const ROWS = 3000;
const CURSOR = encodeEventCursor({ at: 2000, id: 500 });

let database: Database;

beforeAll(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-plans-"));
  const { url, drop } = await freshDatabase(folder);
  database = await Database.open(url);
  const rows = Array.from({ length: ROWS }, (_, i) =>
    Object.assign(new Event(), {
      kind: EVENT_KINDS[i % EVENT_KINDS.length],
      occurredAt: Math.floor(i / 3),
      ...{ batchId: 1 + (i % 5), executionId: 1 + (i % 700), test: i % 50 === 0, archived: i < ROWS - 100 },
      ...{ subjectType: "execution", subjectId: 1 + (i % 1500), subjectName: "a", source: "system", actor: SYSTEM },
      payload: {},
    }),
  );
  await database.write(({ manager }) => insertRows(manager, Event, rows));
  return async () => {
    await database.close();
    await drop();
    await rm(folder, { recursive: true });
  };
});

interface Statement {
  sql: string;
  values: unknown[];
}

/** The statements over events that `work` sends, which are carried out as ever. */
async function statementsOf(work: (manager: EntityManager) => Promise<unknown>): Promise<Statement[]> {
  const sent: Statement[] = [];
  await database.read((manager) => {
    const query = (sql: string, values: unknown[]) => {
      sent.push({ sql, values });
      return manager.query(sql, values);
    };
    return work(Object.create(manager, { query: { value: query } }) as EntityManager);
  });
  return sent.filter(({ sql }) => / FROM events /.test(sql));
}

/** One line per table of the plan: how its rows are found. What else the plan does has lines of its own. */
async function planOf({ sql, values }: Statement): Promise<string[]> {
  if (SERVER === undefined) {
    const question = `EXPLAIN QUERY PLAN ${sql}`;
    const rows = await database.read((manager) => manager.query<{ detail: string }[]>(question, values));
    return rows.map(({ detail }) => detail.replace("COVERING ", ""));
  }
  const rows = await database.read((manager) =>
    manager.query<Record<string, string | null>[]>(`EXPLAIN ${sql}`, values),
  );
  return rows.flatMap(({ table, type, key, Extra, select_type: kind }) => [
    table === "events"
      ? type === "ALL" || type === "index"
        ? "SCAN"
        : `SEARCH events USING INDEX ${key}`
      : `${table}`,
    ...(kind !== "UNION RESULT" && /filesort|temporary/.test(Extra ?? "") ? [`USE TEMP B-TREE: ${Extra}`] : []),
  ]);
}

const one = "archived=0&test=0";
const SHAPES: [query: string, index: string][] = [
  [one, "list"],
  [`${one}&from=1970-01-01T00:00:00Z&to=1970-01-01T00:00:02Z`, "list"],
  [`${one}&q=x`, "list"],
  [`${one}&kind=batch.edited`, "kind"],
  [`archived=1&test=0&kind=batch.edited&to=1970-01-01T00:00:01Z`, "kind"],
  [`${one}&batch=1`, "batch"],
  [`archived=1&test=1&batch=1`, "batch"],
  [`${one}&batch=1&kind=batch.edited`, "batch_kind"],
  [`${one}&batch=1&kind=batch.edited&q=x`, "batch_kind"],
  [`${one}&subject=trigger:1&kind=trigger.fired`, "subject"],
  [`${one}&subject=trigger:1&kind=trigger.fired&batch=1`, "subject"],
  ["execution=7", "execution"],
  ["execution=7&kind=trigger.fired&archived=1&test=0&batch=1&subject=trigger:1&q=x", "execution"],
  ["subject=execution:7", "execution"],
];

describe.each(["", CURSOR])("with the cursor '%s'", (cursor) => {
  it.each(SHAPES)("a page by %s is one walk along the index for it, and nothing is sorted", async (query, index) => {
    const filter = eventQuery.parse(
      Object.fromEntries(new URLSearchParams(`${query}${cursor && `&cursor=${cursor}`}`)),
    );
    const statements = await statementsOf((manager) => pageOfEvents(manager, { ...filter, limit: 50 }));
    const walks = statements.filter(({ sql }) => !/WHERE id IN/.test(sql));
    expect(walks.length).toBeGreaterThan(0);
    for (const walk of walks) {
      const plan = await planOf(walk);
      expect(plan, walk.sql).toHaveLength(1);
      expect(plan[0], walk.sql).toMatch(new RegExp(`^SEARCH events USING INDEX ix_events_${index}\\b`));
    }
    // The rows themselves are read by their ids.
    for (const { sql, values } of statements.filter((statement) => !walks.includes(statement)))
      expect((await planOf({ sql, values })).join(), sql).toMatch(/^SEARCH events USING (INTEGER|INDEX) PRIMARY/);
  });

  it("where more is asked for, there is one walk for each combination, and only what they yield is merged", async () => {
    const counts: [query: string, walks: number][] = [
      ["test=all&archived=all", 4],
      ["kind=batch.*&archived=all", 10],
      ["batch=1&archived=all&test=all&kind=batch.edited,token.made", 8],
      ["subject=trigger:5", 5],
    ];
    for (const [query, count] of counts) {
      const filter = eventQuery.parse(
        Object.fromEntries(new URLSearchParams(`${query}${cursor && `&cursor=${cursor}`}`)),
      );
      const [walk] = await statementsOf((manager) => pageOfEvents(manager, filter));
      if (!walk) throw new Error("Nothing was asked.");
      const plan = await planOf(walk);
      expect(
        plan.filter((line) => /^SEARCH events USING INDEX ix_events_/.test(line)),
        query,
      ).toHaveLength(count);
      expect(
        plan.filter((line) => /^SCAN(?! \(subquery| w\d)/.test(line)),
        query,
      ).toEqual([]);
      expect(walk.sql.split("LIMIT 51"), query).toHaveLength(count + 2);
    }
  });
});

it("what is old enough for the sweep is found along an index too", async () => {
  const limits = EVENT_KINDS.map((kind) => [kind, 500] as const);
  for (const work of [
    (manager: EntityManager) => overage(manager, limits, ROWS),
    (manager: EntityManager) => archivable(manager, limits, ROWS),
  ]) {
    const statements = await statementsOf(work);
    expect(statements).toHaveLength(EVENT_KINDS.length);
    for (const statement of statements) {
      const lines = (await planOf(statement)).filter((line) => /\bevents\b|^SCAN|^USE/.test(line));
      expect(lines, statement.sql).toEqual([expect.stringMatching(/^SEARCH events USING INDEX ix_events_kind\b/)]);
    }
  }
});
