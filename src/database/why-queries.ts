// What an explanation reads of the ledger: which executions had not ended at an instant, and who was disabled then.
import type { EntityManager } from "typeorm";
import { Event } from "../entities/event.js";
import { ACTIVE_STATUSES, type ExecutionStatus } from "../models/status.js";
import { selectRows } from "./plain.js";

/** So many rows before an instant are looked through: older ones are found only if they have not ended to this day. */
const REACH = 2000;
const ACTIVE = ACTIVE_STATUSES.map((status) => `'${status}'`).join(", ");

/** An execution that had not ended at the instant asked about; instants in ms since 1970. */
export interface ThenActive {
  id: number;
  batchId: number;
  /** Its status then, as far as it can be told. */
  status: ExecutionStatus;
  queuedAt: number;
}

interface Raw {
  id: number;
  batchId: number;
  status: ExecutionStatus;
  queuedAt: number | string;
  startedAt: number | string | null;
  finishedAt: number | string | null;
}

/**
 * The executions that had not ended at `at`, oldest first.
 *
 * @param batchId only those of this batch; null: of all
 * @param before only those with a lower id
 * @param endedAfter those count that ended later than this; `at` itself if left out
 */
export async function activeThen(
  manager: EntityManager,
  {
    at,
    batchId,
    before = Infinity,
    endedAfter = at,
  }: { at: number; batchId: number | null; before?: number; endedAfter?: number },
): Promise<ThenActive[]> {
  const bound = Math.min(before, await firstIdAfter(manager, at));
  const columns = "id, batchId, status, queuedAt, startedAt, finishedAt";
  const where = batchId === null ? "WHERE id < ?" : "WHERE id < ? AND batchId = ?";
  const values = batchId === null ? [bound] : [bound, batchId];
  const recent = `SELECT ${columns} FROM executions ${where} ORDER BY id DESC LIMIT ${REACH}`;
  const unended = `SELECT ${columns} FROM executions ${where} AND status IN (${ACTIVE})`;
  const sql = `SELECT * FROM (${recent}) AS recent WHERE finishedAt IS NULL OR finishedAt > ?`;
  const late: Raw[] = await manager.query(sql, [...values, endedAfter]);
  const open: Raw[] = await manager.query(unended, values);
  const byId = new Map([...late, ...open].map((row) => [row.id, row]));
  return [...byId.values()].map((row) => toActive(row, at)).sort((a, b) => a.id - b.id);
}

function toActive({ id, batchId, status, queuedAt, startedAt, finishedAt }: Raw, at: number): ThenActive {
  const then = startedAt !== null && Number(startedAt) <= at ? "running" : "queued";
  return { id, batchId, status: finishedAt === null ? status : then, queuedAt: Number(queuedAt) };
}

/**
 * The id from which on executions were queued after `at`: found by halving, for ids grow with time and no index knows the
 * instants. Where the clock was set back it is off by what was queued in between.
 */
async function firstIdAfter(manager: EntityManager, at: number): Promise<number> {
  const [newest]: { id: number | null }[] = await manager.query("SELECT MAX(id) AS id FROM executions");
  let [low, high] = [1, (newest?.id ?? 0) + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const sql = "SELECT id, queuedAt FROM executions WHERE id >= ? ORDER BY id LIMIT 1";
    const [row]: { id: number; queuedAt: number | string }[] = await manager.query(sql, [middle]);
    if (!row || Number(row.queuedAt) > at) high = middle;
    else low = row.id + 1;
  }
  return low;
}

/** True if an execution of the batch had completed by `at`, with or without a warning. */
export async function hadCompleted(manager: EntityManager, batchId: number, at: number): Promise<boolean> {
  for (const status of ["completed", "warned"]) {
    const sql = "SELECT finishedAt FROM executions WHERE batchId = ? AND status = ? ORDER BY id LIMIT 1";
    const [first]: { finishedAt: number | string }[] = await manager.query(sql, [batchId, status]);
    if (first && Number(first.finishedAt) <= at) return true;
  }
  return false;
}

/** The last that was said by `at` of each of these batches: enabled, or disabled. A batch that never was either is left out. */
export async function lastSwitches(
  manager: EntityManager,
  batchIds: number[],
  at: number,
): Promise<Map<number, Event>> {
  const places = batchIds.map(() => "?").join(", ");
  const events = await selectRows(
    manager,
    Event,
    `WHERE subjectType = 'batch' AND subjectId IN (${places}) AND kind IN ('batch.enabled', 'batch.disabled')
     AND occurredAt <= ? ORDER BY id`,
    [...batchIds, at],
  );
  return new Map(events.map((event) => [event.subjectId, event]));
}
