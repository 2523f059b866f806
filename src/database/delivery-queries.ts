// Reading deliveries: what is to be sent, what is to be given up, and in pages.
import type { EntityManager } from "typeorm";
import { Delivery } from "../entities/delivery.js";
import type { DeliveryFilter } from "../models/delivery.js";
import { ownedBy } from "./batch-queries.js";
import { selectRows } from "./plain.js";

/** At most so many are given up in one transaction. */
const MOST_OVERDUE = 100;

/** What may be sent at `now`, the longest due first. */
export function dueDeliveries(manager: EntityManager, now: number, count: number): Promise<Delivery[]> {
  const due = "WHERE status = 'pending' AND nextAttemptAt <= ? AND giveUpAt > ? ORDER BY nextAttemptAt, id LIMIT ?";
  return selectRows(manager, Delivery, due, [now, now, count]);
}

/** What is not to be tried any more, unless somebody is at it. */
export function overdueDeliveries(manager: EntityManager, now: number): Promise<Delivery[]> {
  const overdue = "WHERE status = 'pending' AND giveUpAt <= ? AND nextAttemptAt <= ? ORDER BY giveUpAt, id LIMIT ?";
  return selectRows(manager, Delivery, overdue, [now, now, MOST_OVERDUE]);
}

/** One row over the limit, newest first: the extra one tells that a next page exists. */
export async function pageOfDeliveries(manager: EntityManager, filter: DeliveryFilter): Promise<Delivery[]> {
  const query = manager
    .createQueryBuilder(Delivery, "d")
    .orderBy("d.id", "DESC")
    .limit(filter.limit + 1);
  if (filter.cursor !== undefined) query.andWhere("d.id < :cursor", { cursor: filter.cursor });
  if (filter.status !== undefined) query.andWhere({ status: filter.status });
  if (filter.execution !== undefined) query.andWhere({ executionId: filter.execution });
  if (filter.batch !== undefined) query.andWhere(await ownedBy(manager, filter.batch));
  return query.getMany();
}
