// The sweep at start: the uploads folder and the rows of artifacts agree again, whatever a crash has left of either.
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { newMakerMark } from "../../src/handlers/process/maker-mark.js";
import { startApp, type TestApp } from "../support/app.js";
import { finalRow } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";
import { storedArtifacts } from "../support/uploads.js";

const ORPHAN = "20260101-000000-deadbeef";

/** Lays down what a killed service process may have left: an artifact without a row, and things in staging. */
async function litter({ config: { uploadsDir } }: TestApp, mark: string): Promise<void> {
  const inside = (...names: string[]) => path.join(uploadsDir, ...names);
  await mkdir(inside(ORPHAN, "files"), { recursive: true });
  await writeFile(inside(ORPHAN, "artifact.zip"), "PK");
  await mkdir(inside(".staging", `staged-${mark}-1`, "files"), { recursive: true });
  await writeFile(inside(".staging", `upload-${mark}-2`), "half of a z");
  await writeFile(inside(".staging", `published-${mark}-${ORPHAN}`), "");
}

const gone = () => newMakerMark().replace(/^\d+-\d+/, "4194999-1");

it("removes what was never finished, and keeps what has a row", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("echo kept"), { name: "a" });
  const kept = await storedArtifacts(app);
  await app.stop();
  await litter(app, gone());
  const next = await app.restart();
  expect(await storedArtifacts(next)).toEqual(kept);
  const row = await finalRow(next.sdk, await next.sdk.batches.run("a"));
  expect(await next.sdk.executions.log(row.id)).toBe("kept\n");
});

it("leaves alone what another service process is at work on", async () => {
  const app = await startApp();
  await litter(app, newMakerMark());
  const next = await app.another();
  expect((await readdir(path.join(app.config.uploadsDir, ".staging"))).length).toBe(3);
  expect(await readdir(app.config.uploadsDir)).toContain(ORPHAN);
  await expect(next.sdk.batches.list()).resolves.toMatchObject({ items: [] });
});

it("a version whose files are gone is told as such, never run, and the service starts all the same", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("echo lost"), { name: "a" });
  const [key = ""] = await storedArtifacts(app);
  await app.stop();
  await rm(path.join(app.config.uploadsDir, key), { recursive: true });
  const { sdk } = await app.restart();
  expect(await sdk.versions.get("a", 1)).toMatchObject({ missing: true });
  const row = await finalRow(sdk, await sdk.batches.run("a"));
  expect(row).toMatchObject({ status: "failed", exitCode: null, reason: { code: "version_missing" } });
});

it("an uploads folder with the artifacts of another database is refused before anything in it is swept", async () => {
  const first = await startApp();
  await first.sdk.batches.create(await scriptZip("true"), { name: "a" });
  const artifacts = await storedArtifacts(first);
  await first.stop();
  const borrowed = startApp({ UPLOADS_DIR: first.config.uploadsDir });
  await expect(borrowed).rejects.toThrow(/UPLOADS_DIR: it holds uploads of another database\. Set UPLOADS_DIR/);
  // From before there were marks: judged by what the database knows of it.
  await rm(path.join(first.config.uploadsDir, ".installation"));
  await expect(startApp({ UPLOADS_DIR: first.config.uploadsDir })).rejects.toThrow(/another database/);
  expect(await storedArtifacts(first)).toEqual(artifacts);
  await first.restart();
  expect(await readFile(path.join(first.config.uploadsDir, ".installation"), "utf8")).toMatch(/^[0-9a-f]{16}\n$/);
});
