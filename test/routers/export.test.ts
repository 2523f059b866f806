// A batch as one file: written by the service, opened by any zip program, taken apart again without a loss.
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readExportFile } from "../../src/handlers/export-file.js";
import type { BatchConfigInput } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { addVersion, SCRIPT } from "../support/versions.js";
import { zipOf } from "../support/zips.js";

const zip = (content: string) => zipOf({ ...SCRIPT, content });

async function withBatch(config: BatchConfigInput): Promise<{ app: TestApp; first: Buffer }> {
  const [app, first] = [await startApp(), await zip("1")];
  await app.sdk.batches.create(new Uint8Array(first), config);
  return { app, first };
}

/** Saves an export into a folder of its own. */
async function save(bytes: Uint8Array): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "batchline-export-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "export.zip");
  await writeFile(path, bytes);
  return { folder, path };
}

it("GET /export gives a zip of note, config and archive that any program opens", async () => {
  const config = { name: "a", cron: "0 3 * * *", env: { MODE: "full" }, warningExitCodes: [3] };
  const { app, first } = await withBatch(config);
  const response = await app.request("/api/v1/batches/a/export");
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "application/zip",
    "content-length": String(bytes.length),
    "content-disposition": `attachment; filename="a.batchline.zip"; filename*=UTF-8''a.batchline.zip`,
  });
  const { folder, path } = await save(bytes);
  execFileSync("unzip", ["-q", path, "-d", folder]);
  const json = async (name: string) => JSON.parse(await readFile(join(folder, name), "utf8")) as unknown;
  const { sha256 } = await app.sdk.versions.get("a", 1);
  const exportedAt = "2026-12-01T12:00:00.000Z";
  expect(await json("batchline.json")).toEqual({ format: 1, name: "a", version: 1, sha256, exportedAt });
  expect(await readFile(join(folder, "config.json"), "utf8")).toBe(`${JSON.stringify(config, null, 2)}\n`);
  expect((await readFile(join(folder, "batch.zip"))).equals(first)).toBe(true);
});

it("an export makes the same batch again, on another service", async () => {
  const config: BatchConfigInput = { name: "Ärzte & Co", every: "daily", timeZone: "Europe/Berlin", args: ["ü"] };
  const { app, first } = await withBatch(config);
  const { folder, path } = await save(await app.sdk.batches.export("Ärzte & Co"));
  const { config: text, archive } = await readExportFile(path, () => join(folder, "copy"));
  const copy = await readFile(archive.path);
  expect(copy.equals(first)).toBe(true);
  const other = await startApp();
  const batch = await other.sdk.batches.create(new Uint8Array(copy), JSON.parse(text) as BatchConfigInput);
  expect(batch.config).toEqual((await app.sdk.batches.get("Ärzte & Co")).config);
  expect((await other.sdk.versions.get(batch.id, 1)).sha256).toBe(archive.sha256);
});

it("an older version goes out with the config it was uploaded under, the active one with the present config", async () => {
  const { app, first } = await withBatch({ name: "a", args: ["1"] });
  const second = await zip("2");
  await addVersion(app, second, { args: ["2"] });
  for (const [version, args, archive] of [
    [undefined, ["2"], second],
    [2, ["2"], second],
    [1, ["1"], first],
  ] as const) {
    const { folder, path } = await save(await app.sdk.batches.export("a", version));
    const imported = await readExportFile(path, () => join(folder, "copy"));
    expect(JSON.parse(imported.config)).toEqual({ name: "a", args });
    expect((await readFile(imported.archive.path)).equals(archive)).toBe(true);
  }
});

it("a batch that was planned for an instant now past goes out without it, so that it can come in again", async () => {
  const { app, first } = await withBatch({ name: "a", at: "2026-12-01T13:00:00Z" });
  app.clock.advance({ hours: 2 });
  const { folder, path } = await save(await app.sdk.batches.export("a"));
  const { config } = await readExportFile(path, () => join(folder, "copy"));
  await app.sdk.batches.remove("a", { force: true });
  const again = await app.sdk.batches.create(new Uint8Array(first), JSON.parse(config) as BatchConfigInput);
  expect(again.schedule).toBeNull();
});
