// The third migration on a database that is in use: every batch gets the first revision of its config, up and down again.
import { expect, it } from "vitest";
import { sourceAt } from "../support/migrated-source.js";

const AT = 1_796_126_400_000;

it("keeps what is there, and makes a revision of every config", async () => {
  const { source, up, back, insert } = await sourceAt(2);
  const config = JSON.stringify({ name: "b", env: { A: "ä" } });
  const names = { name: "b", foldedName: "b", nameKey: "key", description: "", config };
  const stamps = { createdAt: AT, updatedAt: AT };
  await insert("batches", { id: 3, ...names, version: 1, enabled: true, executionCount: 0, revision: 1, ...stamps });
  const archive = { storageKey: "20260101-000000-deadbeef", sha256: "0".repeat(64), fileName: "b.zip" };
  const size = { bytes: 1, fileCount: 1, unpackedBytes: 1 };
  await insert("artifacts", { batchId: 3, version: 1, ...archive, ...size, createdAt: AT });
  await up();
  const revisions = await source.query<Record<string, unknown>[]>("SELECT * FROM config_revisions");
  expect(revisions).toMatchObject([{ batchId: 3, number: 1, config, createdBy: null }]);
  expect(Number(revisions[0]?.["createdAt"])).toBe(AT);
  const settled = "SELECT b.configRevision AS ofBatch, a.configRevision AS ofArtifact FROM batches b JOIN artifacts a";
  expect(await source.query(settled)).toMatchObject([{ ofBatch: 1, ofArtifact: 1 }]);
  await back();
  expect(await source.query("SELECT storageKey FROM artifacts")).toEqual([{ storageKey: "20260101-000000-deadbeef" }]);
});
