// One database and one data folder belong together, and a mixed-up pair is refused in words before it does harm.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Database } from "../../src/database/database.js";
import { tieInstallation } from "../../src/handlers/installation.js";
import { startApp } from "../support/app.js";
import { finalRow } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";
import { freshDatabase } from "../support/fresh-database.js";

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-installation-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function openDatabase(): Promise<Database> {
  const { url, drop } = await freshDatabase(await makeFolder());
  const database = await Database.open(url);
  onTestFinished(async () => {
    await database.close();
    await drop();
  });
  return database;
}

it("ties a new database to a new folder, whichever of several starts is first, and takes them again", async () => {
  const [database, folder] = [await openDatabase(), await makeFolder()];
  await Promise.all(Array.from({ length: 4 }, () => tieInstallation(database, folder)));
  await tieInstallation(database, folder);
  expect(await readFile(path.join(folder, "installation"), "utf8")).toMatch(/^[0-9a-f]{16}\n$/);
});

it("refuses the folder of another database", async () => {
  const folder = await makeFolder();
  await tieInstallation(await openDatabase(), folder);
  const other = await openDatabase();
  await expect(tieInstallation(other, folder)).rejects.toThrow(
    /DATA_DIR: it belongs to another database\. Set DATA_DIR/,
  );
});

it("refuses a folder with runs in it that a new database cannot have made", async () => {
  const [database, folder] = [await openDatabase(), await makeFolder()];
  await mkdir(path.join(folder, "runs", "1-1"), { recursive: true });
  await expect(tieInstallation(database, folder)).rejects.toThrow(/it holds runs of another database/);
});

it("refuses another folder for a database that was in use, until its mark is written there", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("true"), { name: "batch" });
  await finalRow(app.sdk, await app.sdk.batches.run("batch"));
  await app.stop();
  const database = await Database.open(app.config.databaseUrl);
  onTestFinished(() => database.close());
  const folder = await makeFolder();
  const mark = (await readFile(path.join(app.config.dataDir, "installation"), "utf8")).trim();
  await expect(tieInstallation(database, folder)).rejects.toThrow(`write ${mark} into the file "installation"`);
  await writeFile(path.join(folder, "installation"), mark);
  await expect(tieInstallation(database, folder)).resolves.toBeUndefined();
});
