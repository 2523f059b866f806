// Lines of a log by their numbers, and the first that looks like an error, over HTTP.
import { truncate, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { logFile, printed } from "../support/logs.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `line ${i + 1}\n`).join("");

it("gives lines from any number on, and from the end, with numbers and places that are right", async () => {
  const app = await startApp();
  const { id } = await printed(app, numbered(3000));
  const bytes = numbered(3000).length;
  const line = (number: number) => ({
    ...{ line: number, offset: numbered(number - 1).length, bytes: `line ${number}`.length },
    ...{ text: `line ${number}`, cut: false },
  });
  const which = { executionId: id, attempt: 1, stream: "log", bytes };
  expect(await app.sdk.logs.lines(id, { from: 1500, count: 2 })).toMatchObject({
    ...which,
    ...{ items: [line(1500), line(1501)], unfinished: false, next: 1502 },
  });
  expect(await app.sdk.logs.lines(id, { from: -2 })).toEqual({
    ...which,
    ...{ lines: 3000, items: [line(2999), line(3000)], unfinished: false, next: null },
  });
  const first = await app.sdk.logs.lines(id);
  expect([first.items.length, first.items[0]?.line, first.next]).toEqual([200, 1, 201]);
  expect((await app.sdk.logs.lines(id, { from: -5000, count: 1 })).items).toEqual([line(1)]);
  expect(await app.sdk.logs.lines(id, { from: 3001 })).toMatchObject({ items: [], next: null });
  expect((await app.sdk.logs.lines(id, { count: 2000 })).items.at(-1)).toEqual(line(2000));
});

it("gives the lines of an empty log: none", async () => {
  const app = await startApp();
  const { id } = await printed(app, "");
  for (const from of [1, 5, -5]) {
    const answer = await app.sdk.logs.lines(id, { from, total: true });
    expect(answer).toMatchObject({ bytes: 0, lines: 0, items: [], unfinished: false, next: null });
  }
});

it("counts the lines of a large log when asked to, and knows their number from then on", async () => {
  const app = await startApp();
  const execution = await printed(app, numbered(10));
  const file = logFile(app, execution);
  await truncate(file, 5 * 1024 ** 2);
  await writeFile(file, "\nlast", { flag: "a" });
  const total = async (options: object) => (await app.sdk.logs.lines(execution.id, { count: 1, ...options })).lines;
  expect(await total({})).toBeNull();
  expect(await total({ total: true })).toBe(12);
  expect(await total({})).toBe(12);
});

it("cuts a long line, tells its length, and its place leads to the rest", async () => {
  const app = await startApp();
  const long = "ä".repeat(10_000);
  const { id } = await printed(app, `first\n${long}\nlast`);
  const { items, unfinished } = await app.sdk.logs.lines(id, { from: 2 });
  expect(items.map(({ bytes, cut }) => [bytes, cut])).toEqual([
    [20_000, true],
    [4, false],
  ]);
  expect(unfinished).toBe(true);
  const { offset, bytes, text } = items[0]!;
  expect(long.startsWith(text)).toBe(true);
  const range = { Range: `bytes=${offset}-${offset + bytes - 1}` };
  expect(await (await app.request(`/api/v1/executions/${id}/log`, { headers: range })).text()).toBe(long);
});

it("answers no more than a mebibyte of text, and says which line comes next", async () => {
  const app = await startApp();
  const { id } = await printed(app, `${"x".repeat(5000)}\n`.repeat(1000));
  const { items, next } = await app.sdk.logs.lines(id, { count: 2000 });
  expect([items.length, next]).toEqual([256, 257]);
});

it("gives the lines of a log that grows as it is at that moment", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  const script = await scriptZip("printf 'one\\ntwo'", gate.pass(), "printf ' more\\nthree\\n'");
  await app.sdk.batches.create(script, { name: "grows" });
  const execution = await app.sdk.batches.run("grows");
  await gate.arrival();
  const { id } = execution;
  const texts = async () => (await app.sdk.logs.lines(id, { from: -5 })).items.map(({ text }) => text);
  await expect.poll(texts, PATIENCE).toEqual(["one", "two"]);
  expect((await app.sdk.logs.lines(id)).unfinished).toBe(true);
  gate.open();
  await app.ended(execution);
  expect(await texts()).toEqual(["one", "two more", "three"]);
});

it("refuses what cannot be a line by name", async () => {
  const app = await startApp();
  const { id } = await printed(app, "a\n");
  for (const [query, pointer] of [
    ["from=0", "query/from"],
    ["from=-0", "query/from"],
    ["from=1e3", "query/from"],
    ["from=9999999999999999", "query/from"],
    ["count=0", "query/count"],
    ["count=2001", "query/count"],
    ["total=yes", "query/total"],
    ["stream=stdout", "query/stream"],
  ] as const) {
    const response = await app.request(`/api/v1/executions/${id}/log/lines?${query}`);
    expect(await problemOf(response), query).toMatchObject({ status: 400, errors: [{ pointer }] });
  }
  expect((await app.sdk.logs.lines(id, { from: 999_999_999_999_999 })).items).toEqual([]);
});

it("finds the first line that looks like an error: in the error log first, then in the log", async () => {
  const app = await startApp();
  const both = await printed(app, "ERROR out\n", { errors: "+ run\n0 errors\ncp: No such file or directory\n" });
  expect(await app.sdk.logs.firstError(both.id)).toEqual({
    ...{ executionId: both.id, attempt: 1, text: "Line 3 of the error log is the first that looks like an error." },
    found: {
      ...{ stream: "error_log", pattern: "system", line: 3, offset: 15, bytes: 29, cut: false },
      text: "cp: No such file or directory",
    },
  });
  const log = await printed(app, "fine\nTypeError: x\nfailed\n", { errors: "only talk\n", name: "talks" });
  const { found } = await app.sdk.logs.firstError(log.id, { attempt: 1 });
  expect(found).toMatchObject({ stream: "log", pattern: "error", line: 2, offset: 5 });
  const none = await printed(app, "0 errors\n", { name: "good" });
  expect(await app.sdk.logs.firstError(none.id)).toMatchObject({
    found: null,
    text: "Neither the error log nor the log has a line that looks like an error.",
  });
});
