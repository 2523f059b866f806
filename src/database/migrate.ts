// Brings the schema up to date at start: safe when two services start together, and never on a newer database.
import { setTimeout as delay } from "node:timers/promises";
import type { DataSource } from "typeorm";
import { AppError } from "../errors.js";
import type { Dialect } from "./data-source.js";
import { MIGRATIONS } from "./migrations/index.js";

const LOCK = "batchline_migrations";
const LOCK_WAIT_S = 60;
const SQLITE_ATTEMPTS = 20;

/**
 * Runs all pending migrations.
 *
 * @throws AppError `conflict` if the database knows a migration that this program does not
 */
export async function migrate(dataSource: DataSource, dialect: Dialect): Promise<void> {
  await refuseNewer(dataSource);
  if (dialect === "mysql") await underServerLock(dataSource);
  else await withRetries(dataSource);
}

async function refuseNewer(dataSource: DataSource): Promise<void> {
  const runner = dataSource.createQueryRunner();
  const made = await runner.hasTable("migrations");
  const rows = made ? ((await runner.query("SELECT name FROM migrations")) as { name: string }[]) : [];
  if (dataSource.options.type !== "better-sqlite3") await runner.release();
  const known = new Set(MIGRATIONS.map((migration) => migration.name));
  const unknown = rows.find(({ name }) => !known.has(name));
  if (unknown) {
    const message = `The database was made by a newer Batchline (it has ${unknown.name}); start that version or a later one.`;
    throw new AppError("conflict", message, { reason: "newer_database" });
  }
}

/** Of two services that start together on one server, the second waits here and then finds nothing left to do. */
async function underServerLock(dataSource: DataSource): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query("SELECT GET_LOCK(?, ?)", [LOCK, LOCK_WAIT_S]);
    await dataSource.runMigrations({ transaction: "each" });
  } finally {
    await runner.query("SELECT RELEASE_LOCK(?)", [LOCK]);
    await runner.release();
  }
}

/** On SQLite the second of two services loses a migration's transaction, looks again and finds it done. */
async function withRetries(dataSource: DataSource): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await dataSource.runMigrations({ transaction: "each" });
      return;
    } catch (error) {
      if (attempt === SQLITE_ATTEMPTS) throw error;
      await delay(50);
    }
  }
}
