// Row locks, where the dialect has them.
import type { EntityManager, FindOneOptions } from "typeorm";

/**
 * Find options that lock the row until the transaction ends. SQLite has no row locks and needs none: its writing
 * transactions come one after another.
 */
export function lockedForUpdate(manager: EntityManager): Pick<FindOneOptions, "lock"> {
  if (manager.dataSource.options.type === "better-sqlite3") return {};
  return { lock: { mode: "pessimistic_write" } };
}
