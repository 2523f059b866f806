// Reading executions in pages: keyset by id, so that every page costs the same at any depth.
import type { EntityManager } from "typeorm";
import { Execution } from "../entities/execution.js";
import type { ExecutionFilter } from "../models/execution.js";
import { ownedBy } from "./batch-queries.js";

/** One row over the limit, newest first: the extra one tells that a next page exists. */
export async function pageOfExecutions(manager: EntityManager, filter: ExecutionFilter): Promise<Execution[]> {
  const query = manager
    .createQueryBuilder(Execution, "e")
    .orderBy("e.id", "DESC")
    .limit(filter.limit + 1);
  if (filter.cursor !== undefined) query.andWhere("e.id < :cursor", { cursor: filter.cursor });
  if (filter.chainRun !== undefined) query.andWhere("e.chainRunId = :chainRun", { chainRun: filter.chainRun });
  if (filter.status !== undefined) query.andWhere("e.status IN (:...status)", { status: filter.status });
  if (filter.test !== "all") query.andWhere("e.test = :test", { test: filter.test === "1" });
  if (filter.from !== undefined) query.andWhere("e.queuedAt >= :from", { from: filter.from });
  if (filter.to !== undefined) query.andWhere("e.queuedAt < :to", { to: filter.to });
  if (filter.batch !== undefined) query.andWhere(await ownedBy(manager, filter.batch));
  return query.getMany();
}
