// Downloading logs: whole, by range, by tail, without a body; always exactly the bytes that the script printed.
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import type { ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { bytesOf } from "../support/uploads.js";
import { zipOf } from "../support/zips.js";

type Get = (query?: string, headers?: Record<string, string>, method?: string) => Promise<Response>;

interface Ran {
  app: TestApp;
  execution: ExecutionView;
  log: Get;
  errorLog: Get;
}

/** Runs a script to its end; `log` and `errorLog` then ask for its logs. */
async function ran(...lines: string[]): Promise<Ran> {
  const app = await startApp();
  const { id } = await app.sdk.batches.create(await scriptZip(...lines), { name: "script" });
  const execution = await app.ended(await app.sdk.batches.run(id));
  const asking =
    (kind: string): Get =>
    (query = "", headers = {}, method = "GET") =>
      app.request(`/api/v1/executions/${execution.id}/${kind}${query}`, { method, headers });
  return { app, execution, log: asking("log"), errorLog: asking("error-log") };
}

it("a log comes whole, as text to be saved and not interpreted, with its length", async () => {
  const { execution, log, errorLog } = await ran('echo "<script>alert(1)</script> ä"', "echo oops >&2");
  const response = await log();
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": `attachment; filename="execution-${execution.id}.log"; filename*=UTF-8''execution-${execution.id}.log`,
    "content-length": "29",
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  });
  expect(await response.text()).toBe("<script>alert(1)</script> ä\n");
  const errors = await errorLog();
  expect(errors.headers.get("content-disposition")).toContain(`filename="execution-${execution.id}.error.log"`);
  expect(await errors.text()).toBe("oops\n");
});

it("HEAD tells the same as GET and sends no byte", async () => {
  const { log } = await ran("echo hello");
  const [get, head] = [await log(), await log("", {}, "HEAD")];
  expect(head.status).toBe(200);
  for (const name of ["content-length", "content-type", "content-disposition", "accept-ranges"]) {
    expect(head.headers.get(name), name).toBe(get.headers.get(name));
  }
  expect(await head.text()).toBe("");
});

it("one range of bytes is answered by 206 with just these bytes", async () => {
  const { log, errorLog } = await ran("printf 0123456789", "printf abcdef >&2");
  for (const [range, body, place] of [
    ["bytes=0-0", "0", "0-0"],
    ["bytes=2-4", "234", "2-4"],
    ["bytes=7-", "789", "7-9"],
    ["bytes=7-1000", "789", "7-9"],
    ["bytes=-3", "789", "7-9"],
    ["bytes=-1000", "0123456789", "0-9"],
    ["bytes=0-", "0123456789", "0-9"],
  ] as const) {
    const response = await log("", { Range: range });
    expect(response.status, range).toBe(206);
    expect(response.headers.get("content-range"), range).toBe(`bytes ${place}/10`);
    expect(response.headers.get("content-length"), range).toBe(String(body.length));
    expect(await response.text(), range).toBe(body);
  }
  expect(await (await errorLog("", { Range: "bytes=-2" })).text()).toBe("ef");
});

it("a range beyond the end is 416 and tells the size", async () => {
  const { log } = await ran("printf 0123456789");
  for (const range of ["bytes=10-", "bytes=10-20", "bytes=999999999999999-", "bytes=5-4", "bytes=-0"]) {
    const response = await log("", { Range: range });
    expect(response.status, range).toBe(416);
    expect(response.headers.get("content-range"), range).toBe("bytes */10");
    expect(await response.text(), range).toBe("");
  }
});

it("several ranges, another unit or no range at all get the whole log", async () => {
  const { log } = await ran("printf 0123456789");
  const many = `bytes=${Array.from({ length: 500 }, () => "0-9").join(",")}`;
  for (const range of ["bytes=0-1,3-4", many, "lines=0-1", "bytes=a-b", "bytes=-", "bytes", ""]) {
    const response = await log("", { Range: range });
    expect(response.status, range).toBe(200);
    expect(response.headers.get("content-range"), range).toBeNull();
    expect(await response.text(), range).toBe("0123456789");
  }
});

it("?tail= gives the last lines, an unfinished one counted too; more than there are gives all, 0 none", async () => {
  const { log } = await ran("echo one; echo; echo three; printf four");
  for (const [tail, body] of [
    ["0", ""],
    ["1", "four"],
    ["2", "three\nfour"],
    ["3", "\nthree\nfour"],
    ["4", "one\n\nthree\nfour"],
    ["5", "one\n\nthree\nfour"],
    ["999999999", "one\n\nthree\nfour"],
  ] as const) {
    const response = await log(`?tail=${tail}`);
    expect(response.status, tail).toBe(200);
    expect(response.headers.get("content-length"), tail).toBe(String(body.length));
    expect(await response.text(), tail).toBe(body);
  }
  expect(await (await log("?tail=1", { Range: "bytes=0-0" })).text()).toBe("four");
});

it("what else one may ask of a log is refused by name", async () => {
  const app = await startApp();
  for (const [query, pointer] of [
    ["tail=-1", "query/tail"],
    ["tail=1e3", "query/tail"],
    ["tail=", "query/tail"],
    ["tail=1.5", "query/tail"],
    ["tail=01", "query/tail"],
    ["follow=yes", "query/follow"],
    ["follow=true", "query/follow"],
    ["path=/etc/passwd", "query/path"],
  ] as const) {
    for (const kind of ["log", "error-log"]) {
      const problem = await problemOf(await app.request(`/api/v1/executions/1/${kind}?${query}`));
      expect(problem, query).toMatchObject({ status: 400, errors: [{ pointer }] });
    }
  }
});

it("a log of any bytes arrives as it was printed, whole and in parts", async () => {
  const bytes = Buffer.concat([Buffer.from([0, 0xff, 0xfe, 13, 10, 13, 0xc3]), randomBytes(300_000)]);
  const app = await startApp();
  const zip = await zipOf({ "script.sh": "cat bytes\n", bytes });
  await app.sdk.batches.create(bytesOf(zip), { name: "binary" });
  const { id } = await app.ended(await app.sdk.batches.run("binary"));
  const get = async (headers: Record<string, string> = {}, query = "") => {
    const response = await app.request(`/api/v1/executions/${id}/log${query}`, { headers });
    return Buffer.from(await response.arrayBuffer());
  };
  expect((await get()).equals(bytes)).toBe(true);
  expect((await get({}, "?follow=1")).equals(bytes)).toBe(true);
  const [from, to] = [65_530, 200_001];
  expect((await get({ Range: `bytes=${from}-${to - 1}` })).equals(bytes.subarray(from, to))).toBe(true);
});

it("a script that printed nothing has an empty log, not none", async () => {
  const { execution, log } = await ran("true");
  expect(execution.log).toEqual({ bytes: 0, truncated: false });
  const response = await log();
  expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([200, "0", ""]);
  expect((await log("", { Range: "bytes=0-" })).status).toBe(416);
});

it("a log that is still written comes as it is at that moment, with the right length", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  const { id } = await app.sdk.batches.create(await scriptZip("echo one", gate.pass(), "echo two"), { name: "slow" });
  const execution = await app.sdk.batches.run(id);
  await gate.arrival();
  const path = `/api/v1/executions/${execution.id}/log`;
  await expect.poll(async () => (await app.request(path)).text(), { timeout: 10_000 }).toBe("one\n");
  const part = await app.request(path, { headers: { Range: "bytes=1-" } });
  expect([part.headers.get("content-range"), await part.text()]).toEqual(["bytes 1-3/4", "ne\n"]);
  gate.open();
  await app.ended(execution);
  expect(await (await app.request(path)).text()).toBe("one\ntwo\n");
});
