// Row locks, where the dialect has them.
import type { EntityManager, FindOneOptions } from "typeorm";

/** True on the embedded database. */
export function isSqlite(manager: EntityManager): boolean {
  return manager.dataSource.options.type === "better-sqlite3";
}

/** SQLite has no row locks and needs none: its writing transactions come one after another. */
function hasRowLocks(manager: EntityManager): boolean {
  return !isSqlite(manager);
}

/** Find options that lock the rows until the transaction ends. */
export function lockedForUpdate(manager: EntityManager): Pick<FindOneOptions, "lock"> {
  return hasRowLocks(manager) ? { lock: { mode: "pessimistic_write" } } : {};
}

/** The same as the end of a SELECT. */
export function forUpdate(manager: EntityManager): string {
  return hasRowLocks(manager) ? " FOR UPDATE" : "";
}

const EVENTS_ROW = "SELECT value FROM service_state WHERE name = 'events'";

/** Whoever appends events says so first, until the transaction ends; any number may at once. */
export async function amongThoseWithEvents(manager: EntityManager): Promise<void> {
  if (hasRowLocks(manager)) await manager.query(`${EVENTS_ROW} LOCK IN SHARE MODE`);
}

/**
 * Has it that no transaction with events is open. It does not stand in line for that, because everybody who comes after
 * would stand behind it: it fails as one that lost a race, and may be tried again.
 *
 * @param insist true: stands in line all the same
 */
export async function aloneWithEvents(manager: EntityManager, insist: boolean): Promise<void> {
  if (hasRowLocks(manager)) await manager.query(`${EVENTS_ROW} FOR UPDATE${insist ? "" : " NOWAIT"}`);
}
