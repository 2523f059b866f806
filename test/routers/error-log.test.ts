// The error log: kept when there is anything in it or the execution failed; else 404 with the reason why.
import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { storedArtifacts } from "../support/uploads.js";

async function runToEnd(app: TestApp, ...lines: string[]) {
  const { id } = await app.sdk.batches.create(await scriptZip(...lines), { name: "script" });
  return app.ended(await app.sdk.batches.run(id));
}

const ask = (app: TestApp, id: number, kind = "error-log") => app.request(`/api/v1/executions/${id}/${kind}`);

it("a success that printed no error has none: 404 says so, and its links name none", async () => {
  const app = await startApp();
  const execution = await runToEnd(app, "echo hello");
  const problem = await problemOf(await ask(app, execution.id));
  expect(problem).toMatchObject({ status: 404, code: "no_error_log" });
  expect(problem.detail).toMatch(/succeeded and printed nothing on standard error/);
  expect([execution.errorLog, execution.links.errorLog]).toEqual([null, null]);
});

it("a success that printed errors has one", async () => {
  const app = await startApp();
  const execution = await runToEnd(app, "echo careful >&2");
  expect(execution).toMatchObject({ status: "completed", errorLog: { bytes: 8, truncated: false } });
  expect(await (await ask(app, execution.id)).text()).toBe("careful\n");
});

it("a failure has one even if it printed no error: 200 and empty", async () => {
  const app = await startApp();
  const execution = await runToEnd(app, "exit 4");
  expect(execution).toMatchObject({ status: "failed", exitCode: 4, errorLog: { bytes: 0, truncated: false } });
  expect(execution.links.errorLog).toBe(`/api/v1/executions/${execution.id}/error-log`);
  const response = await ask(app, execution.id);
  expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([200, "0", ""]);
});

it("one that could not even be started did not succeed either, so its error log is there and empty", async () => {
  const app = await startApp();
  const { id } = await app.sdk.batches.create(await scriptZip("echo never"), { name: "script" });
  const [key = ""] = await storedArtifacts(app);
  await rm(`${app.config.uploadsDir}/${key}/files`, { recursive: true });
  const execution = await app.ended(await app.sdk.batches.run(id));
  expect(execution).toMatchObject({ status: "failed", reason: { code: "version_missing" }, errorLog: { bytes: 0 } });
  expect(await (await ask(app, execution.id)).text()).toBe("");
});

it("what has not started yet, and what never will, has no logs: 404 tells the two apart and says why", async () => {
  const app = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await app.sdk.batches.create(await scriptZip(gate.pass()), { name: "slow", overlap: "queue" });
  const first = await app.sdk.batches.run("slow");
  await gate.arrival();
  const { id } = await app.sdk.batches.run("slow");
  for (const kind of ["log", "error-log"]) {
    const problem = await problemOf(await ask(app, id, kind));
    expect(problem, kind).toMatchObject({ status: 404, code: "not_started" });
    expect(problem.detail).toBe(`Execution ${id} has not started yet, so it has no log.`);
  }
  // Who follows waits for the start, or for the news that there will be none.
  const following = await ask(app, id, "log?follow=1");
  await app.sdk.executions.cancel(id);
  expect(await following.text()).toBe("");
  for (const kind of ["log", "error-log", "log?follow=1"]) {
    const problem = await problemOf(await ask(app, id, kind));
    expect(problem, kind).toMatchObject({ status: 404, code: "never_started" });
    expect(problem.detail).toBe(`Execution ${id} never started: It was cancelled by administrator.`);
  }
  gate.open();
  await app.ended(first);
});

it("an execution that its predecessor's failure forbade tells that as the reason for having no log", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("exit 1"), { name: "head" });
  await app.sdk.batches.attach("head", await scriptZip("echo never"), { name: "tail" });
  await app.sdk.batches.run("head", { successors: true });
  const { subject } = await app.events.find(
    ({ kind, subject: { name } }) => kind === "execution.aborted" && name === "tail",
  );
  const problem = await problemOf(await ask(app, subject.id, "log"));
  expect(problem).toMatchObject({ status: 404, code: "never_started" });
  expect(problem.detail).toMatch(/never started: Its predecessor "head".* failed with exit code 1/);
});
