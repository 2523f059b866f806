// What the conditions of one batch ask about others: who they are, whether they ever completed, whether their run is over.
import { In, type EntityManager } from "typeorm";
import { Batch } from "../entities/batch.js";
import type { Wait } from "../models/execution.js";
import { ACTIVE_STATUSES } from "../models/status.js";
import { nameKeyOf } from "./name-key.js";

const ACTIVE = ACTIVE_STATUSES.map((status) => `'${status}'`).join(", ");

/** The batches of these names, in their order; null where there is none. */
export async function batchesNamed(manager: EntityManager, names: string[]): Promise<(Batch | null)[]> {
  if (names.length === 0) return [];
  const keys = names.map(nameKeyOf);
  const found = await manager.find(Batch, {
    select: { id: true, name: true, nameKey: true },
    where: { nameKey: In(keys) },
  });
  return keys.map((key) => found.find(({ nameKey }) => nameKey === key) ?? null);
}

/** True if an execution of the batch has ever completed, with or without a warning. */
export async function hasCompleted(manager: EntityManager, batchId: number): Promise<boolean> {
  const sql = "SELECT id FROM executions WHERE batchId = ? AND status IN ('completed', 'warned') LIMIT 1";
  return (await manager.query<unknown[]>(sql, [batchId])).length > 0;
}

/** An execution of the batch that has not ended; null if there is none. */
export async function anActive(manager: EntityManager, batchId: number): Promise<number | null> {
  const sql = `SELECT id FROM executions WHERE batchId = ? AND status IN (${ACTIVE}) ORDER BY id LIMIT 1`;
  const [row]: { id: number }[] = await manager.query(sql, [batchId]);
  return row?.id ?? null;
}

/**
 * Whether what a wait is for has come: the newest run of that batch that has ended belongs to the period, and none is
 * under way. `gone`: the batch was deleted.
 */
export async function waitState(manager: EntityManager, { batchId, since }: Wait): Promise<"met" | "unmet" | "gone"> {
  const sql = `SELECT scheduledAt, queuedAt FROM executions WHERE batchId = ? AND status NOT IN (${ACTIVE}) ORDER BY id DESC LIMIT 1`;
  const [ended]: { scheduledAt: number | string | null; queuedAt: number | string }[] = await manager.query(sql, [
    batchId,
  ]);
  const belongs = ended && Number(ended.scheduledAt ?? ended.queuedAt) >= since;
  if (belongs && (await anActive(manager, batchId)) === null) return "met";
  return (await manager.existsBy(Batch, { id: batchId })) ? "unmet" : "gone";
}
