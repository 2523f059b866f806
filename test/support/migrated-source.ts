// A database of its own with the schema as it stood after so many migrations, to be migrated up and down again.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { DataSource } from "typeorm";
import { onTestFinished } from "vitest";
import { makeDataSource } from "../../src/database/data-source.js";
import { MIGRATIONS } from "../../src/database/migrations/index.js";
import { freshDatabase } from "./fresh-database.js";

/** A source at some migration; both ways go through the migrations that come after that one. */
export interface MigratedSource {
  source: DataSource;
  up: () => Promise<unknown>;
  back: () => Promise<void>;
  insert: (table: string, row: Record<string, unknown>) => Promise<unknown>;
}

/**
 * Goes all the way up and back to the given migration, so that what is read there is what `down` leaves behind.
 * @param count how many migrations are in place
 */
export async function sourceAt(count: number): Promise<MigratedSource> {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-migration-"));
  const { url, drop } = await freshDatabase(folder);
  const source = makeDataSource(url);
  await source.initialize();
  onTestFinished(async () => {
    await source.destroy();
    await drop();
    await rm(folder, { recursive: true });
  });
  const up = () => source.runMigrations({ transaction: "each" });
  const back = async () => {
    for (let left = MIGRATIONS.length; left > count; left--) await source.undoLastMigration({ transaction: "each" });
  };
  const insert = (table: string, row: Record<string, unknown>) => {
    const names = Object.keys(row).map((name) => source.driver.escape(name));
    const places = names.map(() => "?").join(", ");
    return source.query(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${places})`, Object.values(row));
  };
  await up();
  await back();
  return { source, up, back, insert };
}
