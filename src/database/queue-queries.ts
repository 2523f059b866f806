// The queue's hottest statements, in plain SQL that both dialects speak: numbering, and what may be claimed.
import type { EntityManager } from "typeorm";
import { Execution } from "../entities/execution.js";
import { selectByIds } from "./plain.js";

type Row = Record<string, number | string>;

/**
 * Reserves the next execution numbers.
 *
 * @param batchIds one entry per number wanted; a batch may stand there several times
 * @returns the numbers by batch, in order
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

/** Of a batch that does not allow overlap only the first in line, and only while none of it runs. */
const CLAIMABLE = `
  SELECT id FROM executions e
  WHERE status = 'queued' AND (exclusive = FALSE OR NOT EXISTS (
    SELECT 1 FROM executions o WHERE o.batchId = e.batchId
    AND (o.status IN ('running', 'stopping') OR (o.status = 'queued' AND o.id < e.id))))
  ORDER BY id LIMIT ?`;

/**
 * The queued executions that may start now, oldest first: as many as slots are free, and at most one of each batch
 * that does not allow overlap. Free slots are counted from rows, so that no crash can leak one.
 */
export async function claimableExecutions(manager: EntityManager, concurrency: number): Promise<Execution[]> {
  const counted: Row[] = await manager.query(
    "SELECT COUNT(*) AS running FROM executions WHERE status IN ('running', 'stopping')",
  );
  const free = concurrency - Number(counted[0]?.["running"]);
  if (free <= 0) return [];
  const rows: Row[] = await manager.query(CLAIMABLE, [free]);
  return selectByIds(
    manager,
    Execution,
    rows.map(({ id }) => Number(id)),
  );
}
