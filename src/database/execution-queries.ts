// Reading executions in pages: keyset by id, so that every page costs the same at any depth.
import type { EntityManager } from "typeorm";
import { Execution } from "../entities/execution.js";
import type { ExecutionFilter } from "../models/execution.js";
import { findBatch } from "./batch-queries.js";

/** One row over the limit, newest first: the extra one tells that a next page exists. */
export async function pageOfExecutions(manager: EntityManager, filter: ExecutionFilter): Promise<Execution[]> {
  const query = manager
    .createQueryBuilder(Execution, "e")
    .orderBy("e.id", "DESC")
    .limit(filter.limit + 1);
  if (filter.cursor !== undefined) query.andWhere("e.id < :cursor", { cursor: filter.cursor });
  if (filter.chainRun !== undefined) query.andWhere("e.chainRunId = :chainRun", { chainRun: filter.chainRun });
  if (filter.status !== undefined) query.andWhere("e.status IN (:...status)", { status: filter.status });
  if (filter.from !== undefined) query.andWhere("e.queuedAt >= :from", { from: filter.from });
  if (filter.to !== undefined) query.andWhere("e.queuedAt < :to", { to: filter.to });
  if (filter.batch !== undefined) {
    const batch = await findBatch(manager, filter.batch);
    // A deleted batch's executions stay to be found by the name or the id that it had.
    if (batch) query.andWhere("e.batchId = :batchId", { batchId: batch.id });
    else if (/^[1-9]\d{0,8}$/.test(filter.batch))
      query.andWhere("e.batchId = :batchId", { batchId: Number(filter.batch) });
    else query.andWhere("e.batchName = :batchName", { batchName: filter.batch });
  }
  return query.getMany();
}
