// The queue's hottest statements, in plain SQL that both dialects speak: numbering, and what may be claimed.
import type { EntityManager } from "typeorm";
import { Execution } from "../entities/execution.js";
import { selectRows } from "./plain.js";

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

const CLAIMABLE = `
  SELECT id, batchId, exclusive FROM executions e
  WHERE status = 'queued' AND (exclusive = FALSE OR NOT EXISTS (
    SELECT 1 FROM executions r WHERE r.batchId = e.batchId AND r.status IN ('running', 'stopping')))
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
  // More than fit, because several of one batch may stand first in line and only one of them may go.
  const rows: Row[] = await manager.query(CLAIMABLE, [free * 4]);
  const taken = new Set<number>();
  const claimable = rows.filter(({ batchId, exclusive }) => {
    const blocked = Boolean(exclusive) && taken.has(Number(batchId));
    taken.add(Number(batchId));
    return !blocked;
  });
  if (claimable.length === 0) return [];
  const ids = claimable.slice(0, free).map(({ id }) => Number(id));
  return selectRows(manager, Execution, `WHERE id IN (${ids.map(() => "?").join(", ")}) ORDER BY id`, ids);
}
