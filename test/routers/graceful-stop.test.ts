// Stopping the service: requests under way are finished or cut off in bounded time, and no script notices.
import { Agent } from "node:http";
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { scriptZip } from "../support/scripts.js";
import { beginUpload } from "../support/slow-upload.js";
import { expectNothingKept, storedArtifacts } from "../support/uploads.js";

const zip = await scriptZip("echo hello");

it("an upload under way when the service stops is finished and kept; nobody new is let in", async () => {
  const app = await startApp();
  const upload = await beginUpload(app, "slow", zip);
  const restarted = app.restart();
  await expect(fetch(`${app.app.url}/health/live`)).rejects.toThrow();
  upload.finish();
  expect(await upload.status).toBe(201);
  const { sdk } = await restarted;
  expect((await sdk.batches.list()).items.map(({ name }) => name)).toEqual(["slow"]);
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("a stop does not wait for a connection that is kept open and has nothing more to do", async () => {
  const app = await startApp();
  const upload = await beginUpload(app, "slow", zip, new Agent({ keepAlive: true }));
  const stopping = app.stop();
  upload.finish();
  expect(await upload.status).toBe(201);
  const answered = performance.now();
  await stopping;
  // Left alone, it would stay open for five seconds more.
  expect(performance.now() - answered).toBeLessThan(4000);
});

it("an upload whose sender hangs up leaves nothing behind", async () => {
  const app = await startApp();
  const upload = await beginUpload(app, "lost", zip);
  upload.abort();
  await expect(upload.status).rejects.toThrow();
  await expectNothingKept(app);
});

it("an upload that stalls and a reader who follows are cut off in bounded time, and the script goes on", async () => {
  const [app, gate] = [await startApp(), await Gate.make()];
  await app.sdk.batches.create(await scriptZip("echo one", gate.pass(), "echo two"), { name: "script" });
  const execution = await app.sdk.batches.run("script");
  await gate.arrival();
  const upload = await beginUpload(app, "stalled", zip);
  const followed = await app.request(`/api/v1/executions/${execution.id}/log?follow=1`);
  const begun = performance.now();
  const restarted = await app.restart();
  expect(performance.now() - begun).toBeLessThan(15_000);
  await expect(upload.status).rejects.toThrow();
  // Broken off, so that the reader knows that this was not the end of the log.
  await expect(followed.text()).rejects.toThrow();
  expect(await restarted.sdk.executions.get(execution.id)).toMatchObject({ status: "running" });
  gate.open();
  expect(await restarted.ended(execution)).toMatchObject({ status: "completed", exitCode: 0 });
  expect(await restarted.sdk.executions.log(execution.id)).toBe("one\ntwo\n");
  expect((await restarted.sdk.batches.list()).items.map(({ name }) => name)).toEqual(["script"]);
  expect(await storedArtifacts(restarted)).toHaveLength(1);
}, 60_000);
