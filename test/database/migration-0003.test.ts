// The third migration on a database that is in use: every batch gets the first revision of its config, up and down again.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { makeDataSource } from "../../src/database/data-source.js";
import { MIGRATIONS } from "../../src/database/migrations/index.js";
import { freshDatabase } from "../support/fresh-database.js";

const AT = 1_796_126_400_000;

it("keeps what is there, and makes a revision of every config", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-migration-"));
  const { url, drop } = await freshDatabase(folder);
  const source = makeDataSource(url);
  await source.initialize();
  onTestFinished(async () => {
    await source.destroy();
    await drop();
    await rm(folder, { recursive: true });
  });
  await source.runMigrations({ transaction: "each" });
  const back = async () => {
    for (let count = MIGRATIONS.length; count > 2; count--) await source.undoLastMigration({ transaction: "each" });
  };
  await back();
  const config = JSON.stringify({ name: "b", env: { A: "ä" } });
  const batch = [3, "b", "b", "key", "", config, 1, true, 0, 1, AT, AT];
  await source.query(
    `INSERT INTO batches (id, name, foldedName, nameKey, description, config, version, enabled, executionCount, revision,
     createdAt, updatedAt) VALUES (${batch.map(() => "?").join(", ")})`,
    batch,
  );
  const artifact = [3, 1, "20260101-000000-deadbeef", "0".repeat(64), "b.zip", 1, 1, 1, AT];
  await source.query(
    `INSERT INTO artifacts (batchId, version, storageKey, sha256, fileName, bytes, fileCount, unpackedBytes, createdAt)
     VALUES (${artifact.map(() => "?").join(", ")})`,
    artifact,
  );
  await source.runMigrations({ transaction: "each" });
  const revisions = await source.query<Record<string, unknown>[]>("SELECT * FROM config_revisions");
  expect(revisions).toMatchObject([{ batchId: 3, number: 1, config, createdBy: null }]);
  expect(Number(revisions[0]?.["createdAt"])).toBe(AT);
  const settled = "SELECT b.configRevision AS ofBatch, a.configRevision AS ofArtifact FROM batches b JOIN artifacts a";
  expect(await source.query(settled)).toMatchObject([{ ofBatch: 1, ofArtifact: 1 }]);
  await back();
  expect(await source.query("SELECT storageKey FROM artifacts")).toEqual([{ storageKey: "20260101-000000-deadbeef" }]);
});
