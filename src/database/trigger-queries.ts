// Statements over many triggers at once: a burst of occurrences must not cost a statement each.
import type { EntityManager } from "typeorm";
import { Trigger } from "../entities/trigger.js";

/** Sets the watermark of each of these triggers to its next planned instant, or to null where there is none. */
export async function setWatermarks(manager: EntityManager, nextAt: ReadonlyMap<number, number | null>): Promise<void> {
  if (nextAt.size === 0) return;
  const ids = [...nextAt.keys()];
  const cases = ids.map(() => "WHEN ? THEN ?").join(" ");
  const places = ids.map(() => "?").join(", ");
  const values = [...[...nextAt].flat(), ...ids];
  await manager.query(`UPDATE triggers SET nextAt = CASE id ${cases} END WHERE id IN (${places})`, values);
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
