// Finding a text in the logs of all executions of a batch over HTTP, a bounded part of them for each answer.
import { rm, symlink, truncate } from "node:fs/promises";
import { expect, it } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { logFile } from "../support/logs.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

/** A batch that has run so often; each run prints its number as often as that says, behind the word given. */
async function ran(app: TestApp, count: number): Promise<number[]> {
  const script = await scriptZip(
    'for i in $(seq "$1"); do echo "run $1 line $i"; done',
    'if [ "$1" = 2 ]; then echo RARE; echo rare; echo complaint >&2; fi',
    'exit "$(( $1 == 2 ))"',
  );
  await app.sdk.batches.create(script, { name: "many" });
  const ids: number[] = [];
  for (let i = 1; i <= count; i += 1) {
    const { id } = await app.ended(await app.sdk.batches.run("many", { args: [String(i)] }));
    ids.push(id);
  }
  return ids;
}

it("tells newest first which executions have it, how often, and their first lines with it", async () => {
  const app = await startApp();
  const ids = await ran(app, 4);
  const all = await app.sdk.logs.searchBatch("many", "run", { lines: 2 });
  expect(all.searched).toMatchObject({ executions: 4 });
  expect(all.next).toBeNull();
  const told = all.items.map(({ executionId, number, status, matchingLines, lines }) => {
    return { executionId, number, status, matchingLines, lines: lines.map(({ line, text }) => [line, text]) };
  });
  const lines = (n: number) => [1, 2].slice(0, n).map((i) => [i, `run ${n} line ${i}`]);
  expect(told).toEqual(
    [4, 3, 2, 1].map((n) => ({
      ...{ executionId: ids[n - 1], number: n, status: n === 2 ? "failed" : "completed" },
      ...{ matchingLines: n, lines: lines(n) },
    })),
  );
  const rare = await app.sdk.logs.searchBatch("many", "rare", { ignoreCase: true, lines: 0 });
  expect(rare.items).toMatchObject([{ executionId: ids[1], matchingLines: 2, matches: 2, lines: [], attempt: 1 }]);
  const errors = await app.sdk.logs.searchBatch("many", "complaint", { stream: "error_log" });
  expect(errors.items).toMatchObject([{ executionId: ids[1], stream: "error_log", lines: [{ line: 1, number: 1 }] }]);
});

it("goes on with older executions by cursor, and each is looked through once", async () => {
  const app = await startApp();
  const ids = await ran(app, 5);
  const found: number[] = [];
  const parts: number[] = [];
  let cursor: string | null = null;
  do {
    const page = await app.sdk.logs.searchBatch("many", "line 1", { limit: 2, ...(cursor === null ? {} : { cursor }) });
    found.push(...page.items.map(({ executionId }) => executionId));
    parts.push(page.searched.executions);
    cursor = page.next;
  } while (cursor !== null);
  expect(found).toEqual(ids.reverse());
  expect(parts).toEqual([2, 2, 1]);
});

it("reads 256 MiB for one answer, or one log whatever its size, and then says where it goes on", async () => {
  const app = await startApp();
  const [first, second, third] = (await ran(app, 3)).map((id) => ({ id }));
  await truncate(logFile(app, first!), 150 * 1024 ** 2);
  await truncate(logFile(app, second!), 150 * 1024 ** 2);
  await truncate(logFile(app, third!), 300 * 1024 ** 2);
  const seen: number[][] = [];
  let cursor: string | null = null;
  do {
    const page = await app.sdk.logs.searchBatch("many", "run", cursor === null ? {} : { cursor });
    seen.push(page.items.map(({ executionId }) => executionId));
    cursor = page.next;
  } while (cursor !== null);
  expect(seen).toEqual([[third!.id], [second!.id], [first!.id]]);
});

it("passes executions that never started, and reads one that runs as it is at that moment", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  await app.sdk.batches.create(await scriptZip("echo begun", gate.pass(), "echo begun again"), { name: "once" });
  const runs = await app.sdk.batches.run("once");
  await gate.arrival();
  const skipped = await app.sdk.batches.run("once");
  expect(skipped.status).toBe("skipped");
  const ask = () => app.sdk.logs.searchBatch("once", "begun");
  await expect.poll(async () => (await ask()).items.length, PATIENCE).toBe(1);
  expect(await ask()).toMatchObject({
    searched: { executions: 2, bytes: 6 },
    items: [{ executionId: runs.id, status: "running", matchingLines: 1 }],
  });
  const response = await app.request(`/api/v1/executions/${skipped.id}/log/search?q=a`);
  expect(await problemOf(response)).toMatchObject({ status: 404, code: "never_started" });
  gate.open();
  await app.ended(runs);
});

it("names a log that cannot be read, and goes on with the others", async () => {
  const app = await startApp();
  const ids = await ran(app, 2);
  const file = logFile(app, { id: ids[1]! });
  await rm(file);
  await symlink("/etc/passwd", file);
  const { items } = await app.sdk.logs.searchBatch("many", "run");
  expect(items.map(({ executionId, matchingLines }) => [executionId, matchingLines])).toEqual([
    [ids[1], 0],
    [ids[0], 1],
  ]);
  expect(items[0]?.problem).toMatch(/log/);
  expect(items[0]?.problem).not.toContain("/");
});

it("finds the logs of a batch that was deleted, and says in words when there never was one", async () => {
  const app = await startApp();
  const ids = await ran(app, 1);
  await app.sdk.batches.remove("many");
  expect((await app.sdk.logs.searchBatch("many", "run")).items).toMatchObject([{ executionId: ids[0] }]);
  const problem = await problemOf(await app.request("/api/v1/batches/nobody/log/search?q=a"));
  expect(problem).toMatchObject({ status: 404, detail: 'There is no batch with the id or name "nobody".' });
  await app.sdk.batches.create(await scriptZip("true"), { name: "fresh" });
  expect(await app.sdk.logs.searchBatch("fresh", "a")).toEqual({
    searched: { executions: 0, bytes: 0 },
    items: [],
    next: null,
  });
});

it("refuses what cannot be looked for by name", async () => {
  const app = await startApp();
  for (const [query, pointer] of [
    ["lines=1", "query/q"],
    ["q=a&lines=11", "query/lines"],
    ["q=a&limit=51", "query/limit"],
    ["q=a&context=1", "query/context"],
    ["q=a&cursor=rubbish", "query/cursor"],
    ["q=%0A", "query/q"],
  ] as const) {
    const response = await app.request(`/api/v1/batches/many/log/search?${query}`);
    expect(await problemOf(response), query).toMatchObject({ status: 400, errors: [{ pointer }] });
  }
});
