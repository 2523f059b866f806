// Reading batches: by id or name, in pages, with the last execution of each.
import { In, type EntityManager } from "typeorm";
import { Batch } from "../entities/batch.js";
import { Execution } from "../entities/execution.js";
import type { BatchFilter } from "../models/batch.js";
import { foldName } from "../models/name.js";
import { forUpdate } from "./locks.js";
import { nameKeyOf } from "./name-key.js";
import { selectRows } from "./plain.js";

/** The batch of this id or unique name; null if there is none. @param lock true: nobody else may change it meanwhile */
export async function findBatch(
  manager: EntityManager,
  reference: string | number,
  { lock = false } = {},
): Promise<Batch | null> {
  const text = String(reference);
  const [column, value] = /^[1-9]\d{0,8}$/.test(text) ? ["id", Number(text)] : ["nameKey", nameKeyOf(text)];
  const [batch] = await selectRows(manager, Batch, `WHERE ${column} = ?${lock ? forUpdate(manager) : ""}`, [value]);
  return batch ?? null;
}

/** The batches whose configs name others; most name none and are not even read. */
export function batchesThatName(manager: EntityManager): Promise<Batch[]> {
  const lists = ["after", "requires", "excludes", "waitFor"].map((key) => `config LIKE '%"${key}":["%'`);
  return selectRows(manager, Batch, `WHERE ${lists.join(" OR ")} ORDER BY id`, []);
}

/** The condition on rows that outlive their batch: a deleted one's are found by the name or the id that it had. */
export async function ownedBy(
  manager: EntityManager,
  reference: string,
): Promise<{ batchId: number } | { batchName: string }> {
  const batch = await findBatch(manager, reference);
  if (batch) return { batchId: batch.id };
  return /^[1-9]\d{0,8}$/.test(reference) ? { batchId: Number(reference) } : { batchName: reference };
}

/** One row over the limit, newest first: the extra one tells that a next page exists. */
export async function pageOfBatches(manager: EntityManager, filter: BatchFilter): Promise<Batch[]> {
  const query = manager
    .createQueryBuilder(Batch, "b")
    .orderBy("b.id", "DESC")
    .limit(filter.limit + 1);
  if (filter.cursor !== undefined) query.andWhere("b.id < :cursor", { cursor: filter.cursor });
  if (filter.enabled !== undefined) query.andWhere("b.enabled = :enabled", { enabled: filter.enabled });
  if (filter.search !== undefined) {
    const part = `%${foldName(filter.search).replace(/[!%_]/g, "!$&")}%`;
    query.andWhere("b.foldedName LIKE :part ESCAPE '!'", { part });
  }
  return query.getMany();
}

/** The newest execution of each of these batches that has any. */
export async function lastExecutions(manager: EntityManager, batchIds: number[]): Promise<Map<number, Execution>> {
  const newest = await manager
    .createQueryBuilder(Execution, "e")
    .select("MAX(e.id)", "id")
    .where({ batchId: In(batchIds) })
    .groupBy("e.batchId")
    .getRawMany<{ id: number }>();
  const rows = await manager.find(Execution, { where: { id: In(newest.map(({ id }) => id)) } });
  return new Map(rows.map((row) => [row.batchId, row]));
}
