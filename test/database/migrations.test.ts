// The schema: up, down and up again, the same as the entities say, safe for two at once, never on a newer database.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Database } from "../../src/database/database.js";
import { makeDataSource } from "../../src/database/data-source.js";
import { freshDatabase } from "../support/fresh-database.js";

async function emptyDatabase(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-schema-"));
  const { url, drop } = await freshDatabase(folder);
  onTestFinished(async () => {
    await drop();
    await rm(folder, { recursive: true });
  });
  return url;
}

async function openSource(url: string) {
  const source = makeDataSource(url);
  await source.initialize();
  onTestFinished(() => source.destroy());
  return source;
}

it("goes up, down and up, and then differs in nothing from the entities", async () => {
  const source = await openSource(await emptyDatabase());
  await source.runMigrations({ transaction: "each" });
  while ((await source.query<unknown[]>("SELECT * FROM migrations")).length > 0) {
    await source.undoLastMigration({ transaction: "each" });
  }
  const runner = source.createQueryRunner();
  for (const { tableName } of source.entityMetadatas) expect(await runner.hasTable(tableName), tableName).toBe(false);
  await source.runMigrations({ transaction: "each" });
  const { upQueries } = await source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});

it("is brought up to date by two services that start together", async () => {
  const url = await emptyDatabase();
  const databases = await Promise.all([Database.open(url), Database.open(url), Database.open(url)]);
  const source = await openSource(url);
  expect(await source.query("SELECT COUNT(*) AS n FROM migrations")).toMatchObject([
    { n: expect.anything() as unknown },
  ]);
  expect(await source.showMigrations()).toBe(false);
  for (const database of databases) await database.close();
});

it("is refused in one plain sentence if a newer version has made it", async () => {
  const url = await emptyDatabase();
  await (await Database.open(url)).close();
  const source = await openSource(url);
  await source.query("INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'FromTheFuture9999999999999')");
  await expect(Database.open(url)).rejects.toThrow(/made by a newer Batchline \(it has FromTheFuture/);
});

it("is refused in one plain sentence if it cannot be reached", async () => {
  await expect(Database.open("mariadb://nobody:secret@127.0.0.1:9/x")).rejects.toThrow(
    /^The database cannot be opened \(no server answers there: ECONNREFUSED\)/,
  );
});
