// Acting on batches: run now, disable and enable with all that follows, delete and what outlives that.
import { readdir } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import { ApiError, type BatchView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { PATIENCE, storedArtifacts } from "../support/uploads.js";

const zip = await scriptZip("echo hello");

/** An app with the chain a > b > c, whose head is planned hourly. */
async function withChain(): Promise<TestApp> {
  const app = await startApp();
  const configs = ["a", "b", "c"].map((name) => ({ name, script: name }));
  const archives = Object.fromEntries(configs.map(({ script }) => [script, zip]));
  await app.sdk.chains.create(
    archives,
    configs.map((config, i) => (i === 0 ? { ...config, cron: "0 * * * *" } : config)),
  );
  return app;
}

async function inOrder({ sdk }: TestApp): Promise<BatchView[]> {
  return (await sdk.batches.list()).items.reverse();
}

const enabled = (batches: BatchView[]) => batches.map((batch) => (batch.enabled ? batch.name : `(${batch.name})`));
const disabledBy = (batches: BatchView[]) => batches.map((batch) => batch.disabledBy?.name ?? null);

it("POST /batches/:id/run answers 202 with the execution and its address, and runs with what it was given", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip('printf "%s|" "$@"; cat "$BATCHLINE_PAYLOAD"'), { name: "echo" });
  const body = JSON.stringify({ args: ["a b", "", "$HOME", "ä"], payload: { rows: [1, null] } });
  const headers = { "Content-Type": "application/json" };
  const response = await app.request("/api/v1/batches/echo/run", { method: "POST", body, headers });
  expect(response.status).toBe(202);
  const execution = (await response.json()) as { id: number };
  expect(response.headers.get("location")).toBe(`/api/v1/executions/${execution.id}`);
  expect(execution).toMatchObject({ source: "api", actor: { kind: "token" }, scheduledAt: null, trigger: null });
  expect(await app.ended(execution)).toMatchObject({ args: ["a b", "", "$HOME", "ä"], payload: { rows: [1, null] } });
  expect(await app.sdk.executions.log(execution.id)).toBe('a b||$HOME|ä|{"rows":[1,null]}');
});

it("a run needs no body, and one that is not understood is refused in its place", async () => {
  const app = await startApp();
  await app.sdk.batches.create(zip, { name: "plain" });
  const run = (body?: string, type = "application/json") =>
    app.request("/api/v1/batches/plain/run", {
      method: "POST",
      ...(body === undefined ? {} : { body, headers: { "Content-Type": type } }),
    });
  expect((await run()).status).toBe(202);
  expect((await run("{}")).status).toBe(202);
  for (const [body, pointer] of [
    ["null", ""],
    ["[]", ""],
    ['{"arg":["x"]}', "/arg"],
    ['{"args":"x"}', "/args"],
    ['{"args":["x",1]}', "/args/1"],
    ['{"args":["a\\u0000b"]}', "/args/0"],
    ['{"successors":"yes"}', "/successors"],
    ['{"payload":1e999}', "/payload"],
    ['{"__proto__":{"args":["x"]}}', "/__proto__"],
  ] as const) {
    expect(await problemOf(await run(body)), body).toMatchObject({ status: 400, errors: [{ pointer }] });
  }
  const mistyped = await problemOf(await run('{"arg":["x"]}'));
  expect(mistyped.errors[0]?.message).toBe("unknown key; did you mean args?");
  expect(await problemOf(await run("args=x", "application/x-www-form-urlencoded"))).toMatchObject({ status: 415 });
  expect((await app.sdk.executions.list()).items).toHaveLength(2);
});

it("disable withdraws a batch and everything after it; enable restores just that; both may be said twice", async () => {
  const app = await withChain();
  const { sdk } = app;
  for (let i = 0; i < 2; i++) {
    const response = await app.request("/api/v1/batches/b/disable", { method: "POST" });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ name: "b", enabled: false, disabledBy: { id: 2, name: "b" } });
  }
  expect(enabled(await inOrder(app))).toEqual(["a", "(b)", "(c)"]);
  expect(disabledBy(await inOrder(app))).toEqual([null, "b", "b"]);
  await sdk.batches.disable("a");
  expect(enabled(await inOrder(app))).toEqual(["(a)", "(b)", "(c)"]);
  for (let i = 0; i < 2; i++) expect(await sdk.batches.enable("a")).toMatchObject({ enabled: true, disabledBy: null });
  expect(enabled(await inOrder(app))).toEqual(["a", "(b)", "(c)"]);
  await sdk.batches.enable("b");
  expect(enabled(await inOrder(app))).toEqual(["a", "b", "c"]);
  expect(disabledBy(await inOrder(app))).toEqual([null, null, null]);
  expect(app.events.count("batch.disabled")).toBe(2);
  expect(app.events.count("batch.enabled")).toBe(2);
});

it("a batch behind a disabled one cannot be enabled alone: 409 names the one to enable, and nothing changes", async () => {
  const app = await withChain();
  await app.sdk.batches.disable("b");
  await app.sdk.batches.disable("a");
  const before = await inOrder(app);
  for (const name of ["b", "c"]) {
    const response = await app.request(`/api/v1/batches/${name}/enable`, { method: "POST" });
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ status: 409, code: "predecessor_disabled" });
    expect(problem.detail).toMatch(new RegExp(`^"${name}" comes after "[ab]", which is disabled`));
  }
  expect(await inOrder(app)).toEqual(before);
});

it("a disabled batch has no next runs and lets its hours pass; enabled again it goes on from now", async () => {
  const app = await withChain();
  const { sdk, clock, events } = app;
  expect((await sdk.batches.get("a")).nextRuns[0]).toBe("2026-12-01T13:00:00.000Z");
  const off = await sdk.batches.disable("a");
  expect(off).toMatchObject({ nextRuns: [], schedule: { cron: "0 * * * *" } });
  clock.advance({ hours: 3 });
  expect((await sdk.batches.enable("a")).nextRuns[0]).toBe("2026-12-01T16:00:00.000Z");
  clock.advance({ hours: 1 });
  await events.find(({ kind, subject }) => kind === "execution.finished" && subject.name === "c");
  const ledger = (await sdk.executions.list()).items.map(({ batchName, scheduledAt }) => [batchName, scheduledAt]);
  expect(ledger).toEqual([
    ["c", null],
    ["b", null],
    ["a", "2026-12-01T16:00:00.000Z"],
  ]);
});

it("disabling does not touch a script that runs", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  await app.sdk.batches.create(await scriptZip(gate.pass(), "echo done"), { name: "slow" });
  const execution = await app.sdk.batches.run("slow");
  await app.events.next("execution.started");
  expect(await app.sdk.batches.disable("slow")).toMatchObject({ enabled: false, status: "running" });
  gate.open();
  expect(await app.ended(execution)).toMatchObject({ status: "completed" });
  expect(await app.sdk.executions.log(execution.id)).toBe("done\n");
});

it("DELETE /batches/:id removes batch, artifact, state and plan; its executions and logs can still be read", async () => {
  const app = await startApp();
  const { sdk, clock, config } = app;
  const script = await scriptZip('echo kept; echo oops >&2; touch "$BATCHLINE_STATE/mark"');
  const batch = await sdk.batches.create(script, { name: "Old", cron: "0 * * * *" });
  const execution = await app.ended(await sdk.batches.run("Old"));
  expect(await readdir(`${config.dataDir}/state/${batch.id}`)).toEqual(["mark"]);
  const response = await app.request("/api/v1/batches/old", { method: "DELETE" });
  expect(response.status).toBe(204);
  expect(await response.text()).toBe("");
  await expect(sdk.batches.get("Old")).rejects.toThrow(ApiError);
  await vi.waitFor(async () => expect(await storedArtifacts(app)).toEqual([]), PATIENCE);
  await vi.waitFor(async () => expect(await readdir(`${config.dataDir}/state`)).toEqual([]), PATIENCE);
  clock.advance({ hours: 2 });
  for (const reference of ["Old", batch.id]) {
    expect((await sdk.executions.list({ batch: reference })).items).toEqual([execution]);
  }
  expect(await sdk.executions.get(execution.id)).toEqual(execution);
  expect(await sdk.executions.log(execution.id)).toBe("kept\n");
  expect(await sdk.executions.errorLog(execution.id)).toBe("oops\n");
  expect(await sdk.batches.create(zip, { name: "old" })).toMatchObject({ lastExecution: null });
});

it("deleting the middle of a chain unties it: what came after is free of it, and of its being disabled", async () => {
  const app = await withChain();
  await app.sdk.batches.disable("b");
  await app.sdk.batches.remove("b");
  const [a, c] = await inOrder(app);
  expect([a?.successors, c?.predecessors]).toEqual([[], []]);
  expect(c).toMatchObject({ enabled: true, disabledBy: null });
});

it("a batch with an execution that has not ended cannot be deleted: 409 names it, and nothing is lost", async () => {
  const app = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await app.sdk.batches.create(await scriptZip(gate.pass()), { name: "slow" });
  const execution = await app.sdk.batches.run("slow");
  await app.events.next("execution.started");
  const problem = await problemOf(await app.request("/api/v1/batches/slow", { method: "DELETE" }));
  expect(problem).toMatchObject({ status: 409, code: "batch_running" });
  expect(problem.detail).toContain(`Execution ${execution.id} of "slow"`);
  gate.open();
  expect(await app.ended(execution)).toMatchObject({ status: "completed" });
  expect(await storedArtifacts(app)).toHaveLength(1);
  await app.sdk.batches.remove("slow");
  expect((await app.sdk.batches.list()).items).toEqual([]);
});
