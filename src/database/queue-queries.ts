// The queue's hottest statements, in plain SQL that both dialects speak: numbering, turns, and what may be claimed.
import type { EntityManager } from "typeorm";
import { Execution } from "../entities/execution.js";
import type { Alerts } from "../models/alert.js";
import type { BatchConfig } from "../models/batch-config.js";
import { forUpdate } from "./locks.js";
import { selectByIds, selectRows } from "./plain.js";

type Row = Record<string, number | string | null>;

/**
 * Reserves the next execution numbers.
 *
 * @param batchIds one entry per number wanted; a batch may stand there several times
 * @returns the numbers by batch, in order; a batch that is gone has no entry
 */
export async function takeNumbers(manager: EntityManager, batchIds: number[]): Promise<Map<number, number[]>> {
  const wanted = new Map<number, number>();
  for (const id of batchIds) wanted.set(id, (wanted.get(id) ?? 0) + 1);
  if (wanted.size === 0) return new Map();
  const ids = [...wanted.keys()];
  const count = ids.map(() => "WHEN ? THEN ?").join(" ");
  const places = ids.map(() => "?").join(", ");
  // The update comes before the read: it locks the rows, so that no other transaction reads the same numbers.
  await manager.query(
    `UPDATE batches SET executionCount = executionCount + CASE id ${count} END WHERE id IN (${places})`,
    [...[...wanted].flat(), ...ids],
  );
  const rows: Row[] = await manager.query(`SELECT id, executionCount FROM batches WHERE id IN (${places})`, ids);
  return new Map(
    rows.map(({ id, executionCount }) => {
      const taken = wanted.get(Number(id)) ?? 0;
      return [Number(id), Array.from({ length: taken }, (_, i) => Number(executionCount) - taken + 1 + i)];
    }),
  );
}

/**
 * The first free turn of each of these batches.
 *
 * Fair queueing: a batch's executions take one turn after the other, and a batch with none begins at the turn that is now
 * served. So one that asks a thousand times leaves a place after each for everybody else. What is served is told by what
 * runs: something in the queue that cannot start yet must not hold the line back.
 */
export async function firstTurns(manager: EntityManager, batchIds: number[]): Promise<Map<number, number>> {
  const served =
    (await turnOf(manager, "MAX", "status IN ('running', 'stopping')")) ??
    (await turnOf(manager, "MIN", "status = 'queued'"));
  const turns = new Map<number, number>();
  if (served === null) return turns;
  for (const id of new Set(batchIds)) {
    const last = await turnOf(manager, "MAX", "batchId = ? AND status IN ('queued', 'running', 'stopping')", [id]);
    turns.set(id, Math.max(served, (last ?? -1) + 1));
  }
  return turns;
}

async function turnOf(manager: EntityManager, end: "MIN" | "MAX", where: string, values: unknown[] = []) {
  const [row]: Row[] = await manager.query(`SELECT ${end}(turn) AS turn FROM executions WHERE ${where}`, values);
  return row?.["turn"] === null || row?.["turn"] === undefined ? null : Number(row["turn"]);
}

/** Of a batch with a limit only so many of the first in line that, with those that run, it is kept. */
const CLAIMABLE = `
  SELECT id FROM executions e
  WHERE status = 'queued' AND (retryAt IS NULL OR retryAt <= ?) AND (batchLimit IS NULL OR batchLimit > (
    SELECT COUNT(*) FROM executions o WHERE o.batchId = e.batchId
    AND (o.status IN ('running', 'stopping')
      OR (o.status = 'queued' AND (o.turn < e.turn OR (o.turn = e.turn AND o.id < e.id))))))
  ORDER BY turn, id LIMIT ?`;

/**
 * The queued executions that may start at `now`, in turn: as many as slots are free, and within the limit of each batch.
 * Slots are counted from rows, so that no crash can leak one; on a server under a lock, so that two claims at once
 * cannot both count the same free slot.
 */
export async function claimableExecutions(
  manager: EntityManager,
  concurrency: number,
  now: number,
): Promise<Execution[]> {
  const lock = forUpdate(manager);
  if (lock !== "") await manager.query(`SELECT value FROM service_state WHERE name = 'claim'${lock}`);
  const counted: Row[] = await manager.query(
    "SELECT COUNT(*) AS running FROM executions WHERE status IN ('running', 'stopping')",
  );
  const free = concurrency - Number(counted[0]?.["running"]);
  if (free <= 0) return [];
  const rows: Row[] = await manager.query(CLAIMABLE, [now, free]);
  return selectByIds(
    manager,
    Execution,
    rows.map(({ id }) => Number(id)),
  );
}

/** The configs of those of these batches that exclude others; most exclude nobody and are not even parsed. */
export function configsThatExclude(manager: EntityManager, batchIds: number[]): Promise<Map<number, BatchConfig>> {
  return configsThatHold(manager, batchIds, '"excludes":["');
}

/** What the configs of these batches say of alerts; most say nothing and are not even parsed. */
export async function alertsOf(manager: EntityManager, batchIds: number[]): Promise<Map<number, Alerts>> {
  const configs = await configsThatHold(manager, batchIds, '"alerts":{');
  return new Map([...configs].flatMap(([id, { alerts }]) => (alerts ? [[id, alerts]] : [])));
}

/** @param words as they stand in a config's JSON */
async function configsThatHold(manager: EntityManager, batchIds: number[], words: string) {
  const ids = [...new Set(batchIds)];
  if (ids.length === 0) return new Map<number, BatchConfig>();
  const places = ids.map(() => "?").join(", ");
  const rows: { id: number; config: string }[] = await manager.query(
    `SELECT id, config FROM batches WHERE id IN (${places}) AND config LIKE ?`,
    [...ids, `%${words}%`],
  );
  return new Map(rows.map(({ id, config }) => [id, JSON.parse(config) as BatchConfig]));
}

/** Every execution that waits for another batch. */
export function waitingExecutions(manager: EntityManager): Promise<Execution[]> {
  return selectRows(manager, Execution, "WHERE status = 'waiting' ORDER BY id", []);
}

/** Everything that runs, whoever looks after it, oldest first. */
export function runningExecutions(manager: EntityManager): Promise<Execution[]> {
  return selectRows(manager, Execution, "WHERE status IN ('running', 'stopping') ORDER BY id", []);
}

/** True if anything is queued, be it claimable or not. */
export async function anyQueued(manager: EntityManager): Promise<boolean> {
  return (await manager.query<unknown[]>("SELECT id FROM executions WHERE status = 'queued' LIMIT 1")).length > 0;
}

/** True if at least so many executions are queued, or so many wait. The index is walked no further than that. */
export async function isCrowded(manager: EntityManager, limit: number): Promise<boolean> {
  for (const status of ["queued", "waiting"]) {
    const sql = `SELECT id FROM executions WHERE status = ? ORDER BY id LIMIT 1 OFFSET ${limit - 1}`;
    if ((await manager.query<unknown[]>(sql, [status])).length > 0) return true;
  }
  return false;
}
