// Versions: uploaded, recognised, chosen, kept by what runs; rolled back with or without their config.
import { readFile, rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { storedArtifacts, uploadBody, type Bytes } from "../support/uploads.js";

async function twoVersions() {
  const app = await startApp();
  const zips = [await scriptZip("echo one $WHO"), await scriptZip("echo two $WHO")];
  await app.sdk.batches.create(zips[0]!, { name: "a", env: { WHO: "first" } });
  const second = await app.sdk.versions.create("a", zips[1]!, { config: { name: "a", env: { WHO: "second" } } });
  const logOf = async (version: object = {}) => {
    const row = await app.ended(await app.sdk.batches.run("a", version));
    return app.sdk.executions.log(row.id);
  };
  return { app, zips, second, logOf };
}

/** Removes what is stored of an archive, as somebody might who tidies up by hand. */
async function removeFilesOf(app: TestApp, zip: Bytes): Promise<void> {
  for (const key of await storedArtifacts(app)) {
    const folder = `${app.config.uploadsDir}/${key}`;
    if ((await readFile(`${folder}/artifact.zip`)).equals(zip)) await rm(folder, { recursive: true });
  }
}

it("an upload for a batch is its next version, and what runs from now on", async () => {
  const { app, zips, second, logOf } = await twoVersions();
  expect(second).toMatchObject({ version: 2 });
  expect(await app.sdk.batches.get("a")).toMatchObject({
    version: 2,
    configRevision: 2,
    config: { env: { WHO: "second" } },
  });
  expect(await logOf()).toBe("two second\n");
  expect(await app.sdk.batches.artifact("a")).toEqual(zips[1]);
});

it("with activate=0 it is kept, and not used", async () => {
  const { app, logOf } = await twoVersions();
  await app.sdk.versions.create("a", await scriptZip("echo three"), { activate: false });
  expect(await app.sdk.batches.get("a")).toMatchObject({ version: 2 });
  await app.sdk.versions.activate("a", 3);
  expect(await logOf()).toBe("three\n");
});

it("the same content is recognised: no version is made of it, and no file is kept twice", async () => {
  const { app, zips } = await twoVersions();
  const body = uploadBody({ name: "a" }, { "other-name.zip": zips[0]! });
  body.delete("config");
  const response = await app.request("/api/v1/batches/a/versions", { method: "POST", body });
  expect(response.status).toBe(200);
  expect(response.headers.get("location")).toBe("/api/v1/batches/1/versions/1");
  expect(await response.json()).toMatchObject({ version: 1 });
  expect(await app.sdk.batches.get("a")).toMatchObject({ version: 1 });
  expect(await storedArtifacts(app)).toHaveLength(2);
});

it("any version can be the active one again, alone or with the config that it had", async () => {
  const { app, logOf } = await twoVersions();
  const { etag } = await app.sdk.batches.get("a");
  const back = await app.sdk.versions.activate("a", 1);
  expect(back).toMatchObject({ version: 1, configRevision: 2 });
  expect(back.etag).not.toBe(etag);
  expect(await logOf()).toBe("one second\n");
  expect(await app.sdk.versions.activate("a", 1, { config: true })).toMatchObject({
    configRevision: 3,
    config: { env: { WHO: "first" } },
  });
  expect(await logOf()).toBe("one first\n");
  expect(app.events.count("version.activated")).toBe(2);
});

it("what is queued or runs keeps the version it has, through a retry too", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  const retry = { attempts: 2, delay: "1s" };
  await app.sdk.batches.create(await scriptZip(gate.pass(), "echo one", "exit 1"), { name: "a", retry });
  const running = await app.sdk.batches.run("a");
  await gate.arrival();
  await app.sdk.versions.create("a", await scriptZip("echo two"));
  gate.open(2);
  await app.events.next("execution.retrying");
  app.clock.advance({ seconds: 1 });
  const row = await finalRow(app.sdk, running);
  expect(row).toMatchObject({ version: 1, attempt: 2, status: "failed" });
  expect(await app.sdk.executions.log(row.id)).toBe("one\n");
});

it("an upload for another state of the batch, a version that is none, and one whose files are gone are refused", async () => {
  const { app, zips } = await twoVersions();
  const stale = app.sdk.versions.create("a", zips[0]!, { ifMatch: '"1-1"' });
  await expect(stale).rejects.toMatchObject({ status: 412, problem: { code: "stale" } });
  await expect(app.sdk.versions.activate("a", 3)).rejects.toMatchObject({
    status: 404,
    problem: { code: "no_such_version" },
  });
  await expect(app.sdk.versions.create("ghost", zips[0]!)).rejects.toMatchObject({ status: 404 });
  await removeFilesOf(app, zips[0]!);
  await expect(app.sdk.versions.activate("a", 1)).rejects.toMatchObject({
    status: 409,
    problem: { code: "version_missing" },
  });
  expect(await app.sdk.batches.get("a")).toMatchObject({ version: 2 });
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("the same archive uploaded again takes the place of files that are gone", async () => {
  const { app, zips, logOf } = await twoVersions();
  await removeFilesOf(app, zips[0]!);
  await app.sdk.versions.create("a", zips[0]!);
  expect(await app.sdk.batches.get("a")).toMatchObject({ version: 1 });
  expect(await logOf()).toBe("one second\n");
  expect(await storedArtifacts(app)).toHaveLength(2);
});

it("a refused upload changes neither version nor config, and keeps nothing", async () => {
  const { app } = await twoVersions();
  const { etag } = await app.sdk.batches.get("a");
  const body = uploadBody({ name: "a", cron: "x" }, { "a.zip": await scriptZip("true") });
  const problem = await problemOf(await app.request("/api/v1/batches/a/versions", { method: "POST", body }));
  expect(problem).toMatchObject({ status: 400, errors: [{ pointer: "/cron" }] });
  expect((await app.sdk.batches.get("a")).etag).toBe(etag);
  expect(await storedArtifacts(app)).toHaveLength(2);
});
