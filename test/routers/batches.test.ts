// Reading batches: lists in pages, filters, by id and by name, and what is told of one that runs.
import { expect, it } from "vitest";
import { batchSchema, type BatchView } from "../../src/models/batch.js";
import type { Page } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const BATCHES = "/api/v1/batches";
const zip = await scriptZip("echo hello");

/** An app with batches of these names, made in this order and not tied to each other. */
async function withBatches(...names: string[]): Promise<TestApp> {
  const app = await startApp();
  for (const name of names) await app.sdk.batches.create(zip, { name });
  return app;
}

const namesOf = ({ items }: Page<BatchView>) => items.map(({ name }) => name);

it("GET /batches gives the newest first, page by page, without a gap or a repeat", async () => {
  const { sdk } = await withBatches("a", "b", "c", "d");
  expect(namesOf(await sdk.batches.list())).toEqual(["d", "c", "b", "a"]);
  const first = await sdk.batches.list({ limit: 2 });
  expect(namesOf(first)).toEqual(["d", "c"]);
  // What comes and goes meanwhile moves nothing: the cursor is a place in the list and not a count.
  await sdk.batches.remove("d");
  await sdk.batches.create(zip, { name: "e" });
  const second = await sdk.batches.list({ limit: 1, cursor: first.next ?? "" });
  expect(namesOf(second)).toEqual(["b"]);
  const third = await sdk.batches.list({ limit: 1, cursor: second.next ?? "" });
  expect(namesOf(third)).toEqual(["a"]);
  expect(third.next).toBeNull();
  const full = await sdk.batches.list({ limit: 4 });
  expect(full).toMatchObject({ next: null, items: { length: 4 } });
});

it("GET /batches?search= finds parts of names in any letter case, and takes % and _ as they are", async () => {
  const { sdk } = await withBatches("100% Nightly", "nightly_copy", "Weekly");
  const search = async (text: string) => namesOf(await sdk.batches.list({ search: text }));
  expect(await search("NIGHT")).toEqual(["nightly_copy", "100% Nightly"]);
  expect(await search("0% n")).toEqual(["100% Nightly"]);
  expect(await search("_")).toEqual(["nightly_copy"]);
  expect(await search("%")).toEqual(["100% Nightly"]);
  expect(await search("!")).toEqual([]);
  expect(await search("' OR 1=1 --")).toEqual([]);
});

it("GET /batches?enabled= tells those that may run by themselves from those that may not", async () => {
  const { sdk } = await withBatches("on", "off");
  await sdk.batches.disable("off");
  expect(namesOf(await sdk.batches.list({ enabled: true }))).toEqual(["on"]);
  expect(namesOf(await sdk.batches.list({ enabled: false }))).toEqual(["off"]);
  expect(namesOf(await sdk.batches.list({ enabled: false, search: "on" }))).toEqual([]);
});

it("a filter or page that makes no sense is refused by name, and never guessed at", async () => {
  const app = await startApp();
  for (const [query, pointer] of [
    ["limit=0", "query/limit"],
    ["limit=201", "query/limit"],
    ["limit=1e1", "query/limit"],
    ["limit=1&limit=2", "query/limit"],
    ["cursor=", "query/cursor"],
    ["cursor=abc", "query/cursor"],
    ["cursor=YWZ0ZXI6MQ%3D%3D", "query/cursor"],
    ["cursor=YWZ0ZXI6MSBvciAxPTE", "query/cursor"],
    ["enabled=yes", "query/enabled"],
    ["enabled=", "query/enabled"],
    [`search=${"x".repeat(101)}`, "query/search"],
    ["sort=name", "query/sort"],
    ["serch=x", "query/serch"],
  ] as const) {
    const problem = await problemOf(await app.request(`${BATCHES}?${query}`));
    expect(problem, query).toMatchObject({ status: 400, code: "invalid_request", errors: [{ pointer }] });
  }
  const hint = await problemOf(await app.request(`${BATCHES}?serch=x`));
  expect(hint.errors[0]?.message).toBe("unknown key; did you mean search?");
});

it("GET /batches/:id answers by id and by name in any letter case", async () => {
  const app = await withBatches("Night Copy", "1e3");
  for (const [reference, id] of [
    ["1", 1],
    ["night%20copy", 1],
    ["NIGHT%20COPY", 1],
    ["1e3", 2],
  ] as const) {
    const response = await app.request(`${BATCHES}/${reference}`);
    expect(response.status, reference).toBe(200);
    const batch = batchSchema.parse(await response.json());
    expect(batch.id, reference).toBe(id);
  }
});

it("a batch that is not there is 404 on every route, whatever its id or name looks like", async () => {
  const app = await startApp();
  const odd = ["1", "999999999", "9".repeat(30), "nightly", "0x1", "-1", "0", "a'--"];
  for (const reference of odd) {
    const problem = await problemOf(await app.request(`${BATCHES}/${reference}`));
    expect(problem, reference).toMatchObject({ status: 404, code: "not_found" });
  }
  for (const [method, path] of [
    ["GET", "/artifact"],
    ["POST", "/run"],
    ["POST", "/enable"],
    ["POST", "/disable"],
    ["DELETE", ""],
  ] as const) {
    const problem = await problemOf(await app.request(`${BATCHES}/ghost${path}`, { method }));
    expect(problem, path).toMatchObject({ status: 404, code: "not_found" });
    expect(problem.detail).toContain('"ghost"');
  }
  for (const reference of ["x".repeat(129), "..%2f..%2fetc%2fpasswd", "%00", "%", "%c0%ae"]) {
    expect((await problemOf(await app.request(`${BATCHES}/${reference}`))).status, reference).toBe(400);
  }
});

it("a batch tells how many of its executions have not ended, and what became of the last one", async () => {
  const app = await startApp({ CONCURRENCY: "1" });
  const { sdk, events } = app;
  const gate = await Gate.make();
  await sdk.batches.create(await scriptZip(gate.pass()), { name: "slow", overlap: "queue" });
  const first = await sdk.batches.run("slow");
  await events.next("execution.started");
  const second = await sdk.batches.run("slow");
  const running = await sdk.batches.get("slow");
  expect(running).toMatchObject({ status: "running", activeExecutions: 2 });
  const { id, number, queuedAt } = second;
  expect(running.lastExecution).toEqual({ id, number, status: "queued", queuedAt, finishedAt: null });
  gate.open(2);
  await app.ended(first);
  const { finishedAt } = await app.ended(second);
  const idle = await sdk.batches.get("slow");
  expect(idle).toMatchObject({ status: "idle", activeExecutions: 0 });
  expect(idle.lastExecution).toEqual({ id, number: 2, status: "completed", queuedAt, finishedAt });
  expect((await sdk.batches.list()).items).toEqual([idle]);
});
