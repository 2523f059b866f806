// The queue's statements that no repository method says: numbering, and what may be claimed.
import type { EntityManager } from "typeorm";
import { Batch } from "../entities/batch.js";
import { Execution } from "../entities/execution.js";

/**
 * Reserves the next execution numbers.
 *
 * @param batchIds one entry per number wanted; a batch may stand there several times
 * @returns the numbers by batch, in order
 */
export async function takeNumbers(manager: EntityManager, batchIds: number[]): Promise<Map<number, number[]>> {
  const wanted = new Map<number, number>();
  for (const id of batchIds) wanted.set(id, (wanted.get(id) ?? 0) + 1);
  const byCount = new Map<number, number[]>();
  for (const [id, count] of wanted) byCount.set(count, [...(byCount.get(count) ?? []), id]);
  for (const [count, ids] of byCount) {
    // The update comes before the read: it locks the rows, so that no other transaction reads the same numbers.
    await manager
      .createQueryBuilder()
      .update(Batch)
      .set({ executionCount: () => `executionCount + ${count}` })
      .whereInIds(ids)
      .execute();
  }
  const rows = await manager.find(Batch, {
    select: { id: true, executionCount: true },
    where: [...wanted.keys()].map((id) => ({ id })),
  });
  return new Map(
    rows.map(({ id, executionCount }) => {
      const count = wanted.get(id) ?? 0;
      return [id, Array.from({ length: count }, (_, i) => executionCount - count + 1 + i)];
    }),
  );
}

/**
 * The queued executions that may start now, oldest first: as many as slots are free, and at most one of each batch
 * that does not allow overlap. Free slots are counted from rows, so that no crash can leak one.
 */
export async function claimableExecutions(manager: EntityManager, concurrency: number): Promise<Execution[]> {
  const running = await manager.countBy(Execution, [{ status: "running" }, { status: "stopping" }]);
  const free = concurrency - running;
  if (free <= 0) return [];
  const rows = await manager
    .createQueryBuilder(Execution, "e")
    .where("e.status = 'queued'")
    .andWhere((query) => {
      const busy = query
        .subQuery()
        .select("1")
        .from(Execution, "r")
        .where("r.batchId = e.batchId")
        .andWhere("r.status IN ('running', 'stopping')")
        .getQuery();
      return `(e.exclusive = false OR NOT EXISTS ${busy})`;
    })
    .orderBy("e.id")
    .limit(free * 4)
    .getMany();
  const taken = new Set<number>();
  const claimable = rows.filter(({ batchId, exclusive }) => {
    const blocked = exclusive && taken.has(batchId);
    taken.add(batchId);
    return !blocked;
  });
  return claimable.slice(0, free);
}
