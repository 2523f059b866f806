// Finding a text in a log over HTTP: exact counts, pages, surroundings, and bounds for everything.
import { rm, symlink, truncate, writeFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { logFile, printed } from "../support/logs.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const GIB = 1024 ** 3;

const search = (app: TestApp, id: number, query: string, init?: RequestInit) =>
  app.request(`/api/v1/executions/${id}/log/search?${query}`, init);

it("tells every matching line with its number, place, columns and surroundings, and counts exactly", async () => {
  const app = await startApp();
  const { id } = await printed(app, "one\r\ntwo ä needle, needle\r\n\r\nfour\nNeedle\nneedle");
  expect(await app.sdk.logs.search(id, "needle", { context: 1 })).toEqual({
    ...{ executionId: id, attempt: 1, stream: "log", bytes: 48 },
    ...{ matchingLines: 2, matches: 3, next: null },
    items: [
      {
        ...{ number: 1, line: 2, offset: 5, bytes: 21, textOffset: 5, cut: false, text: "two ä needle, needle" },
        columns: [
          { from: 6, to: 12 },
          { from: 14, to: 20 },
        ],
        before: [{ line: 1, offset: 0, bytes: 3, text: "one", cut: false }],
        after: [{ line: 3, offset: 28, bytes: 0, text: "", cut: false }],
      },
      {
        ...{ number: 2, line: 6, offset: 42, bytes: 6, textOffset: 42, cut: false, text: "needle" },
        columns: [{ from: 0, to: 6 }],
        before: [{ line: 5, offset: 35, bytes: 6, text: "Needle", cut: false }],
        after: [],
      },
    ],
  });
  const folded = await app.sdk.logs.search(id, "NEEDLE", { ignoreCase: true });
  expect([folded.matchingLines, folded.matches]).toEqual([3, 4]);
  expect(await app.sdk.logs.search(id, "Ä", { ignoreCase: true })).toMatchObject({ matchingLines: 0, items: [] });
});

it("finds any bytes: a NUL, what is no UTF-8 around it, a carriage return", async () => {
  const app = await startApp();
  const { id } = await printed(app, Buffer.from("\xff\xfea\0b\xe4\r\nx", "latin1"));
  const [item] = (await app.sdk.logs.search(id, "a\0b")).items;
  expect(item).toMatchObject({ text: "\ufffd\ufffda\0b\ufffd", columns: [{ from: 2, to: 5 }], bytes: 6 });
  expect((await app.sdk.logs.search(id, "\r")).matches).toBe(1);
});

it("gives pages by cursor, or from any matching line on, and the same counts with each", async () => {
  const app = await startApp();
  const lines = Array.from({ length: 25 }, (_, i) => `line ${i + 1} ${i % 2 ? "" : "odd odd"}`);
  const { id } = await printed(app, lines.join("\n"));
  const found: number[] = [];
  let cursor: string | null = null;
  do {
    const page = await app.sdk.logs.search(id, "odd", { limit: 5, ...(cursor === null ? {} : { cursor }) });
    expect([page.matchingLines, page.matches]).toEqual([13, 26]);
    for (const { number, line } of page.items) {
      found.push(number);
      expect(line).toBe(2 * number - 1);
    }
    cursor = page.next;
  } while (cursor !== null);
  expect(found).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
  const last = await app.sdk.logs.search(id, "odd", { from: 12, limit: 5 });
  expect([last.matchingLines, last.next, last.items.map(({ number }) => number)]).toEqual([13, null, [12, 13]]);
  expect(await app.sdk.logs.search(id, "odd", { from: 99 })).toMatchObject({
    matchingLines: 13,
    items: [],
    next: null,
  });
});

it("speaks of a log that grows as it was, also on the pages after the first", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  const script = await scriptZip("echo needle 1; echo needle 2", gate.pass(), "echo needle 3");
  await app.sdk.batches.create(script, { name: "grows" });
  const execution = await app.sdk.batches.run("grows");
  await gate.arrival();
  const { id } = execution;
  await expect.poll(() => app.sdk.executions.log(id), PATIENCE).toBe("needle 1\nneedle 2\n");
  const first = await app.sdk.logs.search(id, "needle", { limit: 1 });
  expect(first).toMatchObject({ bytes: 18, matchingLines: 2, items: [{ line: 1 }] });
  gate.open();
  await app.ended(execution);
  const second = await app.sdk.logs.search(id, "needle", { limit: 1, cursor: first.next ?? "" });
  expect(second).toMatchObject({ bytes: 18, matchingLines: 2, items: [{ line: 2 }], next: null });
  expect((await app.sdk.logs.search(id, "needle")).matchingLines).toBe(3);
});

it("looks through the log that is asked for: of a stream, of an attempt", async () => {
  const app = await startApp();
  const script = await scriptZip("echo out $BATCHLINE_ATTEMPT", "echo err $BATCHLINE_ATTEMPT >&2", "exit 1");
  await app.sdk.batches.create(script, { name: "twice", retry: { attempts: 2 } });
  const { id } = await app.sdk.batches.run("twice");
  await vi.waitFor(async () => expect((await app.sdk.executions.get(id)).retryAt).not.toBeNull(), PATIENCE);
  app.clock.advance({ seconds: 10 });
  await app.ended({ id });
  const texts = async (options: object) => (await app.sdk.logs.search(id, "t", options)).items.map(({ text }) => text);
  expect(await texts({})).toEqual(["out 2"]);
  expect(await texts({ attempt: 1 })).toEqual(["out 1"]);
  expect((await app.sdk.logs.search(id, "r", { stream: "error_log", attempt: 1 })).items[0]?.text).toBe("err 1");
});

it("searches a gigabyte to its end without holding it in memory", { timeout: 60_000 }, async () => {
  const app = await startApp();
  const execution = await printed(app, "needle\n");
  const file = logFile(app, execution);
  await truncate(file, GIB); // one line of NULs
  await writeFile(file, "\nneedle again", { flag: "a" });
  const before = process.resourceUsage().maxRSS;
  const { bytes, matchingLines, items } = await app.sdk.logs.search(execution.id, "needle", { context: 1 });
  expect([bytes, matchingLines, items.map(({ line }) => line)]).toEqual([GIB + 13, 2, [1, 3]]);
  expect(items[1]?.before).toMatchObject([{ line: 2, bytes: GIB - 7, cut: true }]);
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(200 * 1024);
});

it("lets two search at once and some wait, refuses more in words, and ends with those who go", async () => {
  const app = await startApp();
  const huge = await printed(app, "x", { name: "huge" });
  const small = await printed(app, "needle\n", { name: "small" });
  await truncate(logFile(app, huge), 1024 * GIB); // takes minutes to look through
  const leaving = new AbortController();
  const asked = Array.from({ length: 23 }, () => search(app, huge.id, "q=needle", { signal: leaving.signal }));
  const refused = await Promise.race(asked);
  expect(refused.headers.get("retry-after")).toBe("5");
  expect(await problemOf(refused)).toMatchObject({ status: 503, code: "too_many_at_once" });
  leaving.abort();
  await Promise.allSettled(asked);
  expect((await app.sdk.logs.search(small.id, "needle")).matchingLines).toBe(1);
});

it("answers no more than is bearable, and says where it goes on", async () => {
  const app = await startApp();
  const { id } = await printed(app, `${"\0".repeat(5000)}needle\n`.repeat(300));
  const { items, next, matchingLines } = await app.sdk.logs.search(id, "needle", { limit: 200, context: 20 });
  expect(matchingLines).toBe(300);
  expect(items.length).toBeLessThan(100);
  expect(JSON.stringify(items).length).toBeLessThan(8 * 1024 ** 2);
  const following = await app.sdk.logs.search(id, "needle", { cursor: next ?? "", limit: 1 });
  expect(following.items[0]?.line).toBe(items.length + 1);
});

it("refuses what cannot be looked for by name", async () => {
  const app = await startApp();
  const { id } = await printed(app, "aaaaa");
  for (const [query, pointer] of [
    ["", "query/q"],
    ["q=", "query/q"],
    [`q=${"x".repeat(10_000)}`, "query/q"],
    ["q=a%0Ab", "query/q"],
    ["q=a&q=b", "query/q"],
    ["q=a&context=1000000000", "query/context"],
    ["q=a&context=-1", "query/context"],
    ["q=a&limit=201", "query/limit"],
    ["q=a&stream=../../etc/passwd", "query/stream"],
    ["q=a&attempt=0", "query/attempt"],
    ["q=a&ignoreCase=yes", "query/ignoreCase"],
    ["q=a&from=0", "query/from"],
    ["q=a&cursor=rubbish", "query/cursor"],
    ["q=a&cursor=9.0.5.1.1.00000000", "query/cursor"],
    ["q=a&cursor=0.0.5.1.1.00000000", "query/cursor"],
    ["q=a&cursor=0.0.99999.1.1.00000000&from=1", "query/from"],
    ["q=a&regex=1", "query/regex"],
  ] as const) {
    const problem = await problemOf(await search(app, id, query));
    expect(problem, query).toMatchObject({ status: 400, code: "invalid_request" });
    expect(problem.errors, query).toContainEqual(expect.objectContaining({ pointer }));
  }
});

it("refuses the cursor of another search, and of a log that has become shorter", async () => {
  const app = await startApp();
  const execution = await printed(app, "a b\na b\n");
  const { next } = await app.sdk.logs.search(execution.id, "a", { limit: 1 });
  const asked = (q: string) => search(app, execution.id, `q=${q}&cursor=${next ?? ""}`);
  expect((await problemOf(await asked("b"))).detail).toContain("another search");
  await truncate(logFile(app, execution), 3);
  expect((await problemOf(await asked("a"))).detail).toContain("shorter");
});

it("says in words why there is no log, and never follows a link", async () => {
  const app = await startApp();
  const execution = await printed(app, "hello\n");
  for (const path of ["search?q=a", "lines", "first-error"]) {
    const ask = async (id: number, more = "") => {
      const query = more && `${path.includes("?") ? "&" : "?"}${more}`;
      return problemOf(await app.request(`/api/v1/executions/${id}/log/${path}${query}`));
    };
    expect(await ask(999)).toMatchObject({ status: 404, code: "not_found" });
    expect(await ask(execution.id, "attempt=2")).toMatchObject({ status: 404, code: "no_such_attempt" });
  }
  const file = logFile(app, execution);
  await rm(file);
  await symlink("/etc/passwd", file);
  for (const path of ["search?q=root", "lines", "first-error"]) {
    const response = await app.request(`/api/v1/executions/${execution.id}/log/${path}`);
    expect(await problemOf(response)).toMatchObject({ status: 500, code: "log_not_a_file" });
  }
});
