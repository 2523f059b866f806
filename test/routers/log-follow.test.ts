// Following a log: every byte as it is printed, up to the end of the execution, and no longer than somebody reads.
import { expect, it } from "vitest";
import type { ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { openFilesIn } from "../support/process-traces.js";
import { scriptZip } from "../support/scripts.js";
import { PATIENCE } from "../support/uploads.js";

interface Running {
  app: TestApp;
  gate: Gate;
  execution: ExecutionView;
  follow: (query?: string, init?: RequestInit, kind?: string) => Promise<Response>;
}

/** Starts a script that is made with a gate, and comes back when it stands before it. */
async function running(script: (gate: Gate) => string[], config = {}): Promise<Running> {
  const [app, gate] = [await startApp(), await Gate.make()];
  await app.sdk.batches.create(await scriptZip(...script(gate)), { name: "slow", ...config });
  const execution = await app.sdk.batches.run("slow");
  await gate.arrival();
  const follow = (query = "", init: RequestInit = {}, kind = "log") =>
    app.request(`/api/v1/executions/${execution.id}/${kind}?follow=1${query}`, init);
  return { app, gate, execution, follow };
}

/** Reads a body piece by piece. */
class Reader {
  text = "";
  private readonly chunks: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    this.chunks = response.body!.getReader();
  }

  /** Reads on until `text` has come, and no further. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      const { done, value } = await this.chunks.read();
      if (done) throw new Error(`The stream ended with ${JSON.stringify(this.text)}`);
      this.text += Buffer.from(value).toString();
    }
  }

  /** Reads to the end. */
  async rest(): Promise<string> {
    for (;;) {
      const { done, value } = await this.chunks.read();
      if (done) return this.text;
      this.text += Buffer.from(value).toString();
    }
  }
}

it("a follower gets each line while the script still runs, and the stream ends with the execution", async () => {
  const { app, gate, execution, follow } = await running((g) => ["echo one", g.pass(), "echo two", g.pass(), "echo 3"]);
  const response = await follow();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-length")).toBeNull();
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const reader = new Reader(response);
  await reader.until("one\n");
  expect((await app.sdk.executions.get(execution.id)).status).toBe("running");
  gate.open();
  await reader.until("two\n");
  expect((await app.sdk.executions.get(execution.id)).status).toBe("running");
  gate.open();
  expect(await reader.rest()).toBe("one\ntwo\n3\n");
  await app.ended(execution);
});

it("a follower of a log that is empty so far waits for its first byte", async () => {
  const { gate, follow } = await running((g) => [g.pass(), "echo late", "echo error >&2"]);
  const readers = [new Reader(await follow()), new Reader(await follow("", {}, "error-log"))];
  gate.open();
  expect(await Promise.all(readers.map((reader) => reader.rest()))).toEqual(["late\n", "error\n"]);
});

it("followers do not disturb each other, and ?tail= lets one begin near the end", async () => {
  const { gate, follow } = await running((g) => ["echo 1; echo 2; echo 3", g.pass(), "echo 4"]);
  await new Reader(await follow()).until("3\n");
  const readers = await Promise.all(
    ["", "&tail=1", "&tail=0", "&tail=100"].map(async (q) => new Reader(await follow(q))),
  );
  gate.open();
  expect(await Promise.all(readers.map((reader) => reader.rest()))).toEqual([
    "1\n2\n3\n4\n",
    "3\n4\n",
    "4\n",
    "1\n2\n3\n4\n",
  ]);
});

it("following what has ended gives all of it and ends at once; follow=0 is no following", async () => {
  const { app, gate, execution, follow } = await running((g) => [g.pass(), "printf done"]);
  gate.open();
  await app.ended(execution);
  expect(await (await follow()).text()).toBe("done");
  expect(await (await follow("&tail=0")).text()).toBe("");
  const plain = await app.request(`/api/v1/executions/${execution.id}/log?follow=0`);
  expect(plain.headers.get("content-length")).toBe("4");
});

it("cancelling the execution ends the stream too", async () => {
  const { app, execution, follow } = await running((g) => ["echo before", g.pass(), "echo never"]);
  const reader = new Reader(await follow());
  await reader.until("before\n");
  await app.sdk.executions.cancel(execution.id);
  expect(await reader.rest()).toBe("before\n");
  expect(await app.ended(execution)).toMatchObject({ status: "cancelled" });
});

it("a follower who leaves takes nothing along: the file is closed, the script goes on", async () => {
  const { app, gate, execution, follow } = await running((g) => ["echo one", g.pass(), "echo two"]);
  const leaving = new AbortController();
  await new Reader(await follow("", { signal: leaving.signal })).until("one\n");
  expect(openFilesIn(app.config.logsDir)).toHaveLength(1);
  leaving.abort();
  await expect.poll(() => openFilesIn(app.config.logsDir), PATIENCE).toEqual([]);
  gate.open();
  expect(await app.ended(execution)).toMatchObject({ status: "completed" });
  expect(await app.sdk.executions.log(execution.id)).toBe("one\ntwo\n");
});

it("HEAD of a stream tells its headers and does not wait for the end", async () => {
  const { app, gate, execution, follow } = await running((g) => ["echo one", g.pass()]);
  const head = await follow("", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect((await app.sdk.executions.get(execution.id)).status).toBe("running");
  await expect.poll(() => openFilesIn(app.config.logsDir), PATIENCE).toEqual([]);
  gate.open();
  await app.ended(execution);
});

it("?from= goes on where a stream broke, and Batchline-Attempt says in which attempt", async () => {
  const { app, gate, execution, follow } = await running((g) => ["echo one", g.pass(), "echo two"]);
  await new Reader(await follow()).until("one\n");
  const again = await follow("&from=2&attempt=1");
  expect(again.headers.get("batchline-attempt")).toBe("1");
  gate.open();
  expect(await new Reader(again).rest()).toBe("e\ntwo\n");
  await app.ended(execution);
  const plain = (query: string) => app.request(`/api/v1/executions/${execution.id}/log${query}`);
  expect(await (await plain("?from=4")).text()).toBe("two\n");
  expect(await (await plain("?from=999999999999")).text()).toBe("");
  expect((await plain("?from=-1")).status).toBe(400);
});
