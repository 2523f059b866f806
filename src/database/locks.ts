// Row locks, where the dialect has them.
import type { EntityManager, FindOneOptions } from "typeorm";

/** SQLite has no row locks and needs none: its writing transactions come one after another. */
function hasRowLocks(manager: EntityManager): boolean {
  return manager.dataSource.options.type !== "better-sqlite3";
}

/** Find options that lock the rows until the transaction ends. */
export function lockedForUpdate(manager: EntityManager): Pick<FindOneOptions, "lock"> {
  return hasRowLocks(manager) ? { lock: { mode: "pessimistic_write" } } : {};
}

/** The same as the end of a SELECT. */
export function forUpdate(manager: EntityManager): string {
  return hasRowLocks(manager) ? " FOR UPDATE" : "";
}
