// The stream of an execution: its status, output and progress, whole first, then as they come, from any place on.
import { appendFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { formatPlace, parsePlace } from "../../src/models/execution-stream.js";
import type { ServerSentEvent } from "../../src/models/server-sent-event.js";
import type { ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";
import { openFilesIn, watchCount } from "../support/process-traces.js";
import { scriptZip } from "../support/scripts.js";
import { Watching } from "../support/watching.js";

const open = ({ app }: TestApp, { id }: { id: number }, query = "", lastEventId?: string) =>
  Watching.open(`${app.url}/api/v1/executions/${id}/stream${query}`, lastEventId);

const dataOf = ({ data }: ServerSentEvent) => JSON.parse(data) as Record<string, unknown>;

/** What a reader has of one stream of output, put together by its offsets: a byte that is missing or comes twice throws. */
function outputOf(events: ServerSentEvent[], stream = "out", attempt = 1): string {
  const parts: Buffer[] = [];
  let at = 0;
  for (const event of events.filter(({ event: name }) => name === "output")) {
    const chunk = dataOf(event) as {
      stream: string;
      attempt: number;
      offset: number;
      text: string;
      encoding?: "base64";
    };
    if (chunk.stream !== stream || chunk.attempt !== attempt) continue;
    if (chunk.offset !== at) throw new Error(`A piece begins at ${chunk.offset} instead of ${at}.`);
    parts.push(Buffer.from(chunk.text, chunk.encoding ?? "utf8"));
    at += parts.at(-1)?.length ?? 0;
  }
  return Buffer.concat(parts).toString();
}

async function running(lines: (gate: Gate) => string[], config = {}) {
  const [app, gate] = [await startApp(), await Gate.make()];
  await app.sdk.batches.create(await scriptZip(...lines(gate)), { name: "batch", ...config });
  const execution = await app.sdk.batches.run("batch");
  await gate.arrival();
  return { app, gate, execution };
}

const namesOf = ({ seen }: Watching) => seen.map(({ event }) => event);

it("tells status, all that was printed, each piece as it comes, and the end", async () => {
  const { app, gate, execution } = await running((g) => ["echo one", g.pass(), "echo zwei ü; echo bad >&2", g.pass()]);
  const watching = await open(app, execution);
  expect(dataOf(await watching.next())).toMatchObject({ id: execution.id, status: "running" });
  expect(dataOf(await watching.next())).toEqual({ stream: "out", attempt: 1, offset: 0, bytes: 4, text: "one\n" });
  gate.open();
  await watching.until(() => outputOf(watching.seen, "err") === "bad\n" && outputOf(watching.seen) === "one\nzwei ü\n");
  gate.open();
  await watching.rest();
  expect(dataOf(watching.seen.at(-1)!)).toEqual({ status: "completed" });
  const statuses = watching.seen.filter(({ event }) => event === "status").map((event) => dataOf(event)["status"]);
  expect(statuses).toEqual(["running", "completed"]);
  expect(namesOf(watching).at(-1)).toBe("end");
});

it("waits for an execution that has not started yet, and so does a followed log", async () => {
  const [app, gate] = [await startApp({ CONCURRENCY: "1" }), await Gate.make()];
  await app.sdk.batches.create(await scriptZip(gate.pass(), "echo done"), { name: "batch", overlap: "allow" });
  await app.sdk.batches.run("batch");
  await gate.arrival();
  const execution = await app.sdk.batches.run("batch");
  const watching = await open(app, execution);
  expect(dataOf(await watching.next("status"))).toMatchObject({ status: "queued", attempt: 0 });
  const followed = (await app.request(`/api/v1/executions/${execution.id}/log?follow=1`)).text();
  gate.open(2);
  await watching.rest();
  expect(outputOf(watching.seen)).toBe("done\n");
  expect(await followed).toBe("done\n");
});

it("ends for one that never starts, as does a followed log", async () => {
  const [app, gate] = [await startApp({ CONCURRENCY: "1" }), await Gate.make()];
  await app.sdk.batches.create(await scriptZip(gate.pass()), { name: "batch", overlap: "allow" });
  await app.sdk.batches.run("batch");
  await gate.arrival();
  const execution = await app.sdk.batches.run("batch");
  const watching = await open(app, execution);
  await watching.next("status");
  const followed = (await app.request(`/api/v1/executions/${execution.id}/log?follow=1`)).text();
  await app.sdk.executions.cancel(execution.id);
  await watching.rest();
  expect(watching.seen.map(({ event, data }) => [event, (JSON.parse(data) as ExecutionView).status])).toEqual([
    ["status", "queued"],
    ["status", "cancelled"],
    ["end", "cancelled"],
  ]);
  expect(await followed).toBe("");
});

it("goes on exactly where a reader was, after whichever event that left", async () => {
  const { app, gate, execution } = await running((g) => [
    "seq 1 3",
    g.pass(),
    "seq 4 30000",
    "echo no >&2",
    "echo 50 half >$BATCHLINE_PROGRESS",
    "false",
  ]);
  const first = await open(app, execution);
  await first.until(() => outputOf(first.seen) === "1\n2\n3\n");
  gate.open();
  await app.ended(execution);
  await first.rest();
  const log = await app.sdk.executions.log(execution.id);
  expect(outputOf(first.seen)).toBe(log);
  for (const [i, { id }] of first.seen.slice(0, -1).entries()) {
    const again = await open(app, execution, "", id);
    await again.rest();
    const together = [...first.seen.slice(0, i + 1), ...again.seen];
    expect(outputOf(together)).toBe(log);
    expect(outputOf(together, "err")).toBe("no\n");
    expect(together.filter(({ event }) => event === "progress")).toHaveLength(1);
    expect(together.filter(({ event }) => event === "end")).toHaveLength(1);
    const statuses = together.filter(({ event }) => event === "status").map((event) => dataOf(event)["status"]);
    expect(statuses).toEqual([...new Set(statuses)]);
  }
  const over = await app.request(`/api/v1/executions/${execution.id}/stream`, {
    headers: { "Last-Event-ID": first.lastEventId },
  });
  expect(over.status).toBe(204);
});

it("goes on with a new attempt, and tells of one attempt alone if asked", async () => {
  const app = await startApp();
  const script = await scriptZip("echo attempt $BATCHLINE_ATTEMPT", "exit 1");
  await app.sdk.batches.create(script, { name: "batch", retry: { attempts: 2, delay: "1s" } });
  const execution = await app.sdk.batches.run("batch");
  const watching = await open(app, execution);
  await watching.until(() => outputOf(watching.seen) === "attempt 1\n");
  const ofOne = await open(app, execution, "?attempt=1");
  app.clock.advance({ seconds: 10 });
  await Promise.all([watching.rest(), ofOne.rest()]);
  expect(outputOf(watching.seen, "out", 2)).toBe("attempt 2\n");
  expect(dataOf(watching.seen.at(-1)!)).toEqual({ status: "failed" });
  expect(outputOf(ofOne.seen)).toBe("attempt 1\n");
  expect(outputOf(ofOne.seen, "out", 2)).toBe("");
  const none = await app.request(`/api/v1/executions/${execution.id}/stream?attempt=3`);
  expect(await problemOf(none)).toMatchObject({ status: 404, code: "no_such_attempt" });
});

it("gives bytes that are no UTF-8 in base64, and never tears a character", async () => {
  const { app, gate, execution } = await running((g) => [
    "printf 'a\\xc3'",
    g.pass(),
    "printf '\\xa4'",
    g.pass(),
    "printf '\\xff\\xfe\\x00\\n'; for i in {1..40000}; do printf '€'; done; printf '\\xe2\\x82'",
  ]);
  const watching = await open(app, execution);
  await watching.until(() => outputOf(watching.seen) === "a");
  gate.open();
  await watching.until(() => outputOf(watching.seen) === "aä");
  gate.open();
  await watching.rest();
  const whole = Buffer.from(await (await app.request(`/api/v1/executions/${execution.id}/log`)).arrayBuffer());
  expect(outputOf(watching.seen)).toBe(whole.toString());
  const chunks = watching.seen.filter(({ event }) => event === "output").map(dataOf);
  expect(chunks.reduce((sum, { bytes }) => sum + Number(bytes), 0)).toBe(whole.length);
  expect(chunks.at(-1)).toMatchObject({ bytes: 2, encoding: "base64" });
  expect(
    chunks.filter(({ encoding }) => encoding === undefined).every(({ text }) => !String(text).includes("\ufffd")),
  ).toBe(true);
});

it("tells of bytes that are gone instead of passing over them", async () => {
  const { app, gate, execution } = await running((g) => ["echo gone", g.pass()]);
  gate.open();
  await app.ended(execution);
  const { rm } = await import("node:fs/promises");
  await rm(`${app.config.logsDir}/0/${execution.id}-1.log`);
  const watching = await open(app, execution);
  await watching.rest();
  expect(dataOf(watching.seen.find(({ event }) => event === "skipped")!)).toEqual({
    stream: "out",
    attempt: 1,
    from: 0,
    to: 5,
  });
  expect(namesOf(watching).at(-1)).toBe("end");
});

it("takes any place that could be one, and refuses what is none", async () => {
  const { app, gate, execution } = await running((g) => ["echo one", g.pass(), "echo two"]);
  const far = `1-1-${10n ** 18n}-${10n ** 18n}-0`;
  const elsewhere = await open(app, execution, "", "1-77-5-5-0");
  await elsewhere.next("output");
  // Only now: what comes before the log is there has no end to be moved back to.
  const watching = await open(app, execution, "", far);
  await watching.next("status");
  gate.open();
  await Promise.all([watching.rest(), elsewhere.rest()]);
  expect(dataOf(watching.seen.find(({ event }) => event === "output")!)).toMatchObject({ offset: 4, text: "two\n" });
  expect(outputOf(elsewhere.seen)).toBe("one\ntwo\n");
  for (const id of ["x", "1-1-1", "5", "1-1--1-0-0", "1-1-1-1-0-end-end"]) {
    const refused = await app.request(`/api/v1/executions/${execution.id}/stream`, {
      headers: { "Last-Event-ID": id },
    });
    expect(await problemOf(refused), id).toMatchObject({ status: 400, code: "invalid_last_event_id" });
  }
  expect(await problemOf(await app.request("/api/v1/executions/99/stream"))).toMatchObject({ status: 404 });
});

it("keeps nothing of readers who have gone, wherever they were", async () => {
  const { app, gate, execution } = await running((g) => ["head -c 300000 /dev/zero", "sync", g.pass(), "echo end"]);
  const watches = watchCount();
  for (const bytes of [0, 1, 70_000]) {
    const watching = await open(app, execution);
    await watching.until(() => watching.text.length >= bytes);
    watching.leave();
  }
  const head = await app.request(`/api/v1/executions/${execution.id}/stream`, { method: "HEAD" });
  expect(head.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  await expect.poll(() => openFilesIn(app.config.logsDir), PATIENCE).toEqual([]);
  await expect.poll(watchCount, PATIENCE).toBe(watches);
  gate.open();
  await app.ended(execution);
});

it("is the same at a service process that does not run the script", async () => {
  const { app, gate, execution } = await running((g) => ["echo one", g.pass(), "echo two"]);
  const other = await app.another();
  const watching = await open(other, execution);
  await watching.until(() => outputOf(watching.seen) === "one\n");
  gate.open();
  await watching.rest();
  expect(outputOf(watching.seen)).toBe("one\ntwo\n");
  expect(dataOf(watching.seen.at(-1)!)).toEqual({ status: "completed" });
});

it("takes up another file that somebody has put in the place of the log", async () => {
  const { app, gate, execution } = await running((g) => ["echo one", g.pass()]);
  const watching = await open(app, execution);
  await watching.until(() => outputOf(watching.seen) === "one\n");
  const log = `${app.config.logsDir}/0/${execution.id}-1.log`;
  const { rm } = await import("node:fs/promises");
  await rm(log);
  await appendFile(log, "one\nother\n");
  await watching.until(() => outputOf(watching.seen) === "one\nother\n");
  gate.open();
});

it("has ids that hold the whole place", () => {
  const place = { status: "1x", attempt: 2, out: 10, err: 0, progress: "0", ended: true };
  expect(parsePlace(formatPlace(place))).toEqual(place);
  expect(parsePlace(formatPlace({ ...place, ended: false }))).toEqual({ ...place, ended: false });
});
