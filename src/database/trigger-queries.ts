// Statements over many triggers at once: a burst of occurrences must not cost a statement each.
import type { EntityManager } from "typeorm";
import { Trigger } from "../entities/trigger.js";

/** SQLite binds at most 32,766 values in one statement. */
const PER_STATEMENT = 1000;

/** Sets the watermark of each of these triggers to its next planned instant, or to null where there is none. */
export async function setWatermarks(manager: EntityManager, nextAt: ReadonlyMap<number, number | null>): Promise<void> {
  const all = [...nextAt];
  for (let from = 0; from < all.length; from += PER_STATEMENT) {
    const slice = all.slice(from, from + PER_STATEMENT);
    const cases = slice.map(() => "WHEN ? THEN ?").join(" ");
    const places = slice.map(() => "?").join(", ");
    const values = [...slice.flat(), ...slice.map(([id]) => id)];
    await manager.query(`UPDATE triggers SET nextAt = CASE id ${cases} END WHERE id IN (${places})`, values);
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

/** The watermark of every trigger that has one; bare rows, for there may be a hundred thousand. */
export async function allWatermarks(manager: EntityManager): Promise<{ id: number; at: number }[]> {
  const rows = await manager
    .createQueryBuilder(Trigger, "t")
    .select("t.id", "id")
    .addSelect("t.nextAt", "at")
    .where("t.nextAt IS NOT NULL")
    .getRawMany<{ id: number; at: number | string }>();
  return rows.map(({ id, at }) => ({ id, at: Number(at) }));
}
