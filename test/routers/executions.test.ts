// Reading executions: one with all its keys, lists with every filter, pages, and what is refused.
import { expect, it } from "vitest";
import type { ExecutionListQuery, ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { PATIENCE } from "../support/uploads.js";

const EXECUTIONS = "/api/v1/executions";

/** Runs a batch so many times, an hour apart by the clock, and gives the executions in that order. */
async function runHourly(app: TestApp, name: string, times: number): Promise<ExecutionView[]> {
  const done: ExecutionView[] = [];
  for (let i = 0; i < times; i++) {
    done.push(await app.ended(await app.sdk.batches.run(name)));
    app.clock.advance({ hours: 1 });
  }
  return done;
}

function lister({ sdk }: TestApp): (query: ExecutionListQuery) => Promise<number[]> {
  return async (query) => (await sdk.executions.list(query)).items.map(({ id }) => id);
}

it("GET /executions/:id answers every key of an execution, and null for what there is none of", async () => {
  const app = await startApp();
  const batch = await app.sdk.batches.create(await scriptZip("echo 12345; echo 123 >&2; exit 3"), { name: "fails" });
  const { id } = await app.sdk.batches.run("fails", { args: ["x"] });
  await app.ended({ id });
  const outcome = {
    startedAt: "2026-12-01T12:00:00.000Z",
    finishedAt: "2026-12-01T12:00:00.000Z",
    durationMs: 0,
    exitCode: 3,
    signal: null,
    log: { bytes: 6, truncated: false },
    errorLog: { bytes: 4, truncated: false },
  };
  const response = await app.request(`${EXECUTIONS}/${id}`);
  expect(await response.json()).toEqual({
    id,
    number: 1,
    batchId: batch.id,
    batchName: "fails",
    version: 1,
    configRevision: 1,
    rerunOf: null,
    chainRunId: null,
    trigger: null,
    source: "api",
    actor: { kind: "token", name: "administrator" },
    status: "failed",
    reason: { code: "exit_code", text: "The script ended with exit code 3." },
    scheduledAt: null,
    queuedAt: "2026-12-01T12:00:00.000Z",
    ...outcome,
    attempt: 1,
    attempts: [
      {
        number: 1,
        status: "failed",
        reason: { code: "exit_code", text: "The script ended with exit code 3." },
        ...outcome,
      },
    ],
    retryAt: null,
    waitsFor: [],
    leftovers: 0,
    args: ["x"],
    payload: null,
    progress: null,
    expectedEndAt: null,
    results: null,
    test: false,
    links: {
      log: `${EXECUTIONS}/${id}/log`,
      errorLog: `${EXECUTIONS}/${id}/error-log`,
      batch: `/api/v1/batches/${batch.id}`,
      chainRun: null,
    },
  });
  for (const link of [`${EXECUTIONS}/${id}/log`, `${EXECUTIONS}/${id}/error-log`, `/api/v1/batches/${batch.id}`]) {
    expect((await app.request(link)).status, link).toBe(200);
  }
});

it("GET /executions filters by batch, by id or by name, by several statuses and by time", async () => {
  const app = await startApp();
  const list = lister(app);
  await app.sdk.batches.create(await scriptZip("echo hello"), { name: "Good" });
  const bad = await app.sdk.batches.create(await scriptZip("exit 1"), { name: "bad" });
  const [at12, at13] = (await runHourly(app, "Good", 2)).map(({ id }) => id);
  const [at14, at15] = (await runHourly(app, "bad", 2)).map(({ id }) => id);
  expect(await list({})).toEqual([at15, at14, at13, at12]);
  expect(await list({ batch: "Good" })).toEqual([at13, at12]);
  expect(await list({ batch: "GOOD" })).toEqual([at13, at12]);
  expect(await list({ batch: bad.id })).toEqual([at15, at14]);
  expect(await list({ batch: "nobody" })).toEqual([]);
  expect(await list({ batch: 999 })).toEqual([]);
  expect(await list({ status: "failed" })).toEqual([at15, at14]);
  expect(await list({ status: "completed,failed" })).toEqual([at15, at14, at13, at12]);
  expect(await list({ status: "queued,running" })).toEqual([]);
  expect(await list({ from: "2026-12-01T13:00:00Z" })).toEqual([at15, at14, at13]);
  expect(await list({ to: "2026-12-01T14:00:00Z" })).toEqual([at13, at12]);
  expect(await list({ from: "2026-12-01T14:00:00+01:00", to: "2026-12-01T13:00:00.001Z" })).toEqual([at13]);
  expect(await list({ from: "2026-12-01T14:00:00Z", to: "2026-12-01T13:00:00Z" })).toEqual([]);
  expect(await list({ batch: "Good", status: "failed" })).toEqual([]);
});

it("GET /executions?chainRun= gives one pass through a chain, which is the address each of them tells", async () => {
  const app = await startApp();
  const zip = await scriptZip("echo hello");
  await app.sdk.batches.create(zip, { name: "head" });
  await app.sdk.batches.attach("head", zip, { name: "tail" });
  const lastOf = async (head: Promise<ExecutionView>) => {
    const { chainRunId } = await head;
    const isLast = ({ chainRunId: run, batchName }: ExecutionView) => run === chainRunId && batchName === "tail";
    await app.events.next("execution.finished");
    await app.events.next("execution.finished");
    return (await app.sdk.executions.list()).items.find(isLast)!;
  };
  const first = await lastOf(app.sdk.batches.run("head", { successors: true }));
  const second = await lastOf(app.sdk.batches.run("head", { successors: true }));
  expect(first.chainRunId).not.toBe(second.chainRunId);
  for (const { links, chainRunId } of [first, second]) {
    const page = (await (await app.request(links.chainRun ?? "")).json()) as { items: ExecutionView[] };
    expect(page.items.map(({ batchName }) => batchName)).toEqual(["tail", "head"]);
    expect(page.items.map((one) => one.chainRunId)).toEqual([chainRunId, chainRunId]);
  }
});

it("GET /executions gives pages that neither leave out nor repeat anything, under every filter", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("echo hello"), { name: "a" });
  const ids = (await runHourly(app, "a", 5)).map(({ id }) => id).reverse();
  const seen: number[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: ExecutionListQuery = { limit: 2, batch: "a", ...(cursor === "" ? {} : { cursor }) };
    const page = await app.sdk.executions.list(query);
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.next;
    // A newer one between two pages shifts nothing.
    if (seen.length === 2) await runHourly(app, "a", 1);
  }
  expect(seen).toEqual(ids);
});

it("a filter that makes no sense is refused with its place", async () => {
  const app = await startApp();
  for (const [query, pointer] of [
    ["status=done", "query/status/0"],
    ["status=failed,", "query/status/1"],
    ["status=", "query/status/0"],
    ["status=failed&status=lost", "query/status"],
    ["from=yesterday", "query/from"],
    ["from=2026-12-01", "query/from"],
    ["from=2026-12-01T12:00:00", "query/from"],
    ["to=2026-02-30T00:00:00Z", "query/to"],
    ["chainRun=1e3", "query/chainRun"],
    ["chainRun=0", "query/chainRun"],
    ["batch=", "query/batch"],
    [`batch=${"x".repeat(129)}`, "query/batch"],
    ["limit=1000", "query/limit"],
    ["cursor=x", "query/cursor"],
    ["state=failed", "query/state"],
    ["__proto__=x", "query/__proto__"],
  ] as const) {
    const problem = await problemOf(await app.request(`${EXECUTIONS}?${query}`));
    expect(problem, query).toMatchObject({ status: 400, code: "invalid_request", errors: [{ pointer }] });
  }
});

it("an id that is no plain positive number is 400 on every route of executions, one that is not there 404", async () => {
  const app = await startApp();
  const routes = [
    ["GET", ""],
    ["GET", "/log"],
    ["GET", "/error-log"],
    ["GET", "/log?follow=1"],
    ["POST", "/cancel"],
  ] as const;
  const crooked = [
    "1e3",
    "0x1",
    "..%2f",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "9".repeat(30),
    "-1",
    "0",
    "01",
    "1%20or%201=1",
  ];
  for (const [method, rest] of routes) {
    for (const id of crooked) {
      const problem = await problemOf(await app.request(`${EXECUTIONS}/${id}${rest}`, { method }));
      expect(problem, id + rest).toMatchObject({ status: 400, errors: [{ pointer: "path/id" }] });
    }
    const problem = await problemOf(await app.request(`${EXECUTIONS}/4711${rest}`, { method }));
    expect(problem, rest).toMatchObject({ status: 404, code: "not_found" });
    expect(problem.detail).toBe("There is no execution 4711.");
  }
});

it("while it runs, an execution tells the sizes of its logs and its progress as they are now", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  const script = ["echo 12345", 'echo "3/8 loading" > "$BATCHLINE_PROGRESS"', gate.pass(), "echo 678 >&2"];
  await app.sdk.batches.create(await scriptZip(...script), { name: "slow" });
  const execution = await app.sdk.batches.run("slow");
  await gate.arrival();
  await expect.poll(async () => (await app.sdk.executions.get(execution.id)).log?.bytes, PATIENCE).toBe(6);
  expect(await app.sdk.executions.get(execution.id)).toMatchObject({
    status: "running",
    finishedAt: null,
    durationMs: null,
    exitCode: null,
    progress: { percent: 37.5, text: "loading" },
  });
  gate.open();
  expect(await app.ended(execution)).toMatchObject({ status: "completed", errorLog: { bytes: 4 } });
});

it("POST /executions/:id/cancel answers 202 once; what has ended already is a conflict", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  await app.sdk.batches.create(await scriptZip(gate.pass()), { name: "slow" });
  const execution = await app.sdk.batches.run("slow");
  await gate.arrival();
  const response = await app.request(`${EXECUTIONS}/${execution.id}/cancel`, { method: "POST" });
  expect(response.status).toBe(202);
  expect(await response.json()).toMatchObject({ id: execution.id, status: "stopping" });
  const ended = await app.ended(execution);
  expect(ended).toMatchObject({ status: "cancelled", reason: { code: "cancelled" } });
  const problem = await problemOf(await app.request(`${EXECUTIONS}/${execution.id}/cancel`, { method: "POST" }));
  expect(problem).toMatchObject({ status: 409, code: "already_ended" });
  expect(await app.sdk.executions.get(execution.id)).toEqual(ended);
});
