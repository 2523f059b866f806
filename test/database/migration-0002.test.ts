// The second migration on a database that is in use: nothing is lost on the way up, nor on the way down again.
import type { DataSource } from "typeorm";
import { expect, it } from "vitest";
import { sourceAt, type MigratedSource } from "../support/migrated-source.js";

const AT = 1_796_126_400_000;
const config = { name: "b", overlap: "allow", args: ["ä"], env: { A: "1" } };

/** The rows as the first version wrote them. */
const ROWS: Record<string, Record<string, unknown>[]> = {
  batches: [
    {
      ...{ id: 3, name: "b", foldedName: "b", nameKey: "key", description: "", config: JSON.stringify(config) },
      ...{ version: 1, disabledAt: null, enabled: true, executionCount: 2, revision: 1, createdAt: AT, updatedAt: AT },
    },
  ],
  triggers: [
    {
      ...{ id: 4, batchId: 3, kind: "cron", expression: "0 * * * *", timeZone: "UTC", dst: "both", onceAt: null },
      ...{ nextAt: AT, createdAt: AT },
    },
  ],
  executions: [
    executionOf(7, { exclusive: true }),
    executionOf(8, { exclusive: false, scheduledAt: null, triggerId: null }),
  ],
  chain_runs: [{ id: 5, headBatchId: 3, plan: '{"links":[]}', createdAt: AT }],
};

function executionOf(id: number, more: object): Record<string, unknown> {
  return {
    ...{ id, number: id - 6, batchId: 3, batchName: "b", version: 1, chainRunId: 5, triggerId: 4, triggerKind: "cron" },
    ...{ source: "schedule", actor: '{"kind":"system","name":"batchline"}', status: "failed", stopAs: null },
    ...{ reasonCode: "exit_code", reasonText: "Exit 3.", scheduledAt: AT, queuedAt: AT, startedAt: AT, finishedAt: AT },
    ...{
      attempt: 1,
      exitCode: 3,
      signal: null,
      args: "[]",
      payload: null,
      inputs: "[]",
      progress: null,
      results: null,
    },
    ...{ logBytes: 12, logTruncated: false, errorLogBytes: 0, errorLogTruncated: false },
    ...more,
  };
}

async function atFirst(): Promise<MigratedSource> {
  const migrated = await sourceAt(1);
  for (const [table, rows] of Object.entries(ROWS)) {
    for (const row of rows) await migrated.insert(table, row);
  }
  return migrated;
}

type Row = Record<string, unknown>;

/** Values as both dialects share them: 64-bit integers come as text from a server, booleans as numbers. */
function shared(row: Row): Row {
  const plain = (value: unknown) => (typeof value === "boolean" || /^\d+$/.test(String(value)) ? Number(value) : value);
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)]));
}

/** All rows of a table. */
async function rowsOf(source: DataSource, table: string): Promise<Row[]> {
  const rows: Row[] = await source.query(`SELECT * FROM ${table} ORDER BY id`);
  return rows.map(shared);
}

const written = (table: string): Row[] => (ROWS[table] ?? []).map(shared);

it("every row keeps all that it had, and gets what is new: limits, keys of the config, empty places", async () => {
  const { source, up } = await atFirst();
  await up();
  const [first, second] = await rowsOf(source, "executions");
  const { exclusive, ...kept } = written("executions")[0] ?? {};
  expect(exclusive).toBe(1);
  expect(first).toMatchObject(kept);
  expect(first).not.toHaveProperty("exclusive");
  const empty = { claimedBy: null, retryAt: null, turn: 0, waits: null, leftovers: null };
  expect(first).toMatchObject({ ...empty, batchLimit: 1 });
  expect(second).toMatchObject({ ...empty, batchLimit: null });
  expect((await rowsOf(source, "triggers"))[0]).toMatchObject({ id: 4, gapFrom: null });
  expect((await rowsOf(source, "chain_runs"))[0]).toMatchObject({ id: 5, cancelledAt: null, cancelledBy: null });
  const [batch] = await rowsOf(source, "batches");
  expect(JSON.parse(String(batch?.["config"]))).toEqual({
    ...config,
    ...{ warningExitCodes: [], misfire: "fire_once", misfireWithin: "1m", requires: [], excludes: [], waitFor: [] },
    leftovers: "end",
  });
});

it("and comes back down with the rows that it had", async () => {
  const { source, up, back } = await atFirst();
  await up();
  await back();
  for (const table of Object.keys(ROWS)) expect(await rowsOf(source, table), table).toEqual(written(table));
});
