// Statements over many triggers at once: a burst of occurrences must not cost a statement each.
import { In, Not, type EntityManager } from "typeorm";
import type { TriggerFilter } from "../models/trigger.js";
import { isOfBatch, Trigger, type BatchTrigger } from "../entities/trigger.js";

/** The triggers of these batches that have a schedule. */
export async function scheduledTriggers(manager: EntityManager, batchIds: number[]): Promise<BatchTrigger[]> {
  const where = { batchId: In(batchIds), kind: Not("api" as const) };
  return (await manager.find(Trigger, { where, order: { id: "ASC" } })).filter(isOfBatch);
}

/** One row over the limit, newest first: the extra one tells that a next page exists. */
export async function pageOfTriggers(
  manager: EntityManager,
  filter: TriggerFilter & { batchId?: number | undefined },
): Promise<Trigger[]> {
  const query = manager
    .createQueryBuilder(Trigger, "t")
    .orderBy("t.id", "DESC")
    .limit(filter.limit + 1);
  if (filter.cursor !== undefined) query.andWhere("t.id < :cursor", { cursor: filter.cursor });
  if (filter.batchId !== undefined) query.andWhere("t.batchId = :batchId", { batchId: filter.batchId });
  if (filter.kind !== undefined) query.andWhere("t.kind = :kind", { kind: filter.kind });
  if (filter.enabled !== undefined) query.andWhere("t.enabled = :enabled", { enabled: filter.enabled });
  if (filter.test !== "all") query.andWhere("t.test = :test", { test: filter.test === "1" });
  if (filter.search !== undefined) {
    const part = `%${filter.search.toLowerCase().replace(/[!%_]/g, "!$&")}%`;
    query.andWhere("LOWER(t.name) LIKE :part ESCAPE '!'", { part });
  }
  return query.getMany();
}

/** The id of the event that tells of the firing which made this execution. */
export async function firingEventId(manager: EntityManager, executionId: number): Promise<number> {
  const sql = "SELECT id FROM events WHERE executionId = ? AND kind = 'trigger.fired' LIMIT 1";
  const [row]: { id: number }[] = await manager.query(sql, [executionId]);
  return row?.id ?? 0;
}

/** SQLite binds at most 32,766 values in one statement. */
const PER_STATEMENT = 1000;

/**
 * Sets the watermark of each of these triggers to its next planned instant, or to null where there is none.
 *
 * @param endGap true: what a pause left open is closed with it
 * @param firedAt the instant at which they fired, if that is why
 */
export async function setWatermarks(
  manager: EntityManager,
  nextAt: ReadonlyMap<number, number | null>,
  { endGap = false, firedAt }: { endGap?: boolean; firedAt?: number } = {},
): Promise<void> {
  const all = [...nextAt];
  for (let from = 0; from < all.length; from += PER_STATEMENT) {
    const slice = all.slice(from, from + PER_STATEMENT);
    const cases = slice.map(() => "WHEN ? THEN ?").join(" ");
    const places = slice.map(() => "?").join(", ");
    const fired = firedAt === undefined ? "" : ", lastFiredAt = ?";
    const gap = endGap ? ", gapFrom = NULL" : "";
    const values = [...slice.flat(), ...(firedAt === undefined ? [] : [firedAt]), ...slice.map(([id]) => id)];
    const sql = `UPDATE triggers SET nextAt = CASE id ${cases} END${fired}${gap} WHERE id IN (${places})`;
    await manager.query(sql, values);
  }
}

/** Takes away the watermarks, and keeps each as the beginning of the gap that the pause makes. */
export async function pauseTriggers(manager: EntityManager, ids: number[]): Promise<void> {
  for (let from = 0; from < ids.length; from += PER_STATEMENT) {
    const slice = ids.slice(from, from + PER_STATEMENT);
    const places = slice.map(() => "?").join(", ");
    // In two steps: whether an assignment sees the one before it differs between dialects.
    await manager.query(
      `UPDATE triggers SET gapFrom = nextAt WHERE nextAt IS NOT NULL AND gapFrom IS NULL AND id IN (${places})`,
      slice,
    );
    await manager.query(`UPDATE triggers SET nextAt = NULL WHERE id IN (${places})`, slice);
  }
}

/** The latest planned instant of each of these triggers that has a row in the ledger. */
export async function lastOccurrences(manager: EntityManager, ids: number[]): Promise<Map<number, number>> {
  const last = new Map<number, number>();
  for (let from = 0; from < ids.length; from += PER_STATEMENT) {
    const slice = ids.slice(from, from + PER_STATEMENT);
    const places = slice.map(() => "?").join(", ");
    const rows: { id: number; at: number | string }[] = await manager.query(
      `SELECT triggerId AS id, MAX(scheduledAt) AS at FROM executions WHERE triggerId IN (${places}) GROUP BY triggerId`,
      slice,
    );
    for (const { id, at } of rows) last.set(id, Number(at));
  }
  return last;
}

/** The ids of triggers that are due at `now`, the longest due first. @param except ids to leave out */
export async function dueTriggers(
  manager: EntityManager,
  now: number,
  limit: number,
  except: number[],
): Promise<number[]> {
  const sql = `SELECT id FROM triggers WHERE nextAt <= ?${without(except)} ORDER BY nextAt, id LIMIT ?`;
  const rows: { id: number }[] = await manager.query(sql, [now, ...except, limit]);
  return rows.map(({ id }) => id);
}

/** The earliest planned instant that has no row yet; null if nothing is planned. @param except ids to leave out */
export async function firstWatermark(manager: EntityManager, except: number[]): Promise<number | null> {
  const sql = `SELECT nextAt FROM triggers WHERE nextAt IS NOT NULL${without(except)} ORDER BY nextAt LIMIT 1`;
  const [row]: { nextAt: number | string }[] = await manager.query(sql, except);
  return row ? Number(row.nextAt) : null;
}

function without(ids: number[]): string {
  return ids.length === 0 ? "" : ` AND id NOT IN (${ids.map(() => "?").join(", ")})`;
}
