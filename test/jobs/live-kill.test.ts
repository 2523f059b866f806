// The service is killed while people watch: a reader who comes again has missed nothing and has nothing twice.
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { Database } from "../../src/database/database.js";
import { Event } from "../../src/entities/event.js";
import { BatchlineClient, type ExecutionStreamEvent } from "../../src/sdk/client.js";
import { ADMIN_TOKEN, startApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";
import { startServiceProcess } from "../support/service-process.js";

const LINES = 4000;
/** Prints for about two seconds, whatever happens to the service. */
const talker = await scriptZip(
  `for ((i = 1; i <= ${LINES}; i++)); do echo "$i line of the log ä"; ((i % 3)) || echo "$i err" >&2; ((i % 20)) || read -rt 0.01 <> <(:); done; true`,
);

/** A port that is free, for services that come one after the other at the same address. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

/** A service process at an address that stays, and what is needed to kill and start it again. */
async function mortal(settings: Record<string, string> = {}) {
  const port = await freePort();
  const prepared = await startApp({ PORT: port, ...settings });
  await prepared.stop();
  const start = () => startServiceProcess(prepared.config);
  const service = await start();
  const sdk = new BatchlineClient({ url: `http://127.0.0.1:${port}`, token: ADMIN_TOKEN });
  return { config: prepared.config, service, start, sdk };
}

function outputOf(events: ExecutionStreamEvent[], stream: string): string {
  let at = 0;
  const pieces = events.flatMap(({ event, data }) => (event === "output" && data.stream === stream ? [data] : []));
  return pieces
    .map(({ offset, bytes, text }) => {
      expect(offset).toBe(at);
      at += bytes;
      return text;
    })
    .join("");
}

it("a followed log and a followed execution go on over a kill, byte by byte", { timeout: 90_000 }, async () => {
  const { config, service, start, sdk } = await mortal();
  await sdk.batches.create(talker, { name: "talker" });
  const { id } = await sdk.batches.run("talker");
  let text = "";
  const seen: ExecutionStreamEvent[] = [];
  let midway = () => {};
  const isMidway = new Promise<void>((resolve) => (midway = resolve));
  const following = (async () => {
    for await (const chunk of sdk.executions.follow(id)) {
      text += chunk;
      if (text.length > 20_000) midway();
    }
  })();
  const watching = (async () => {
    for await (const event of sdk.executions.stream(id)) seen.push(event);
  })();
  await isMidway;
  await service.kill("SIGKILL");
  const before = text.length;
  await start();
  await Promise.all([following, watching]);
  const [log, errorLog] = await Promise.all(
    [`${id}-1.log`, `${id}-1.error.log`].map((name) => readFile(`${config.logsDir}/0/${name}`, "utf8")),
  );
  expect(log?.trimEnd().split("\n")).toHaveLength(LINES);
  expect(before).toBeLessThan(log?.length ?? 0);
  expect(text).toBe(log);
  expect(outputOf(seen, "out")).toBe(log);
  expect(outputOf(seen, "err")).toBe(errorLog);
  expect(seen.at(-1)).toMatchObject({ event: "end", data: { status: "completed" } });
});

it("a followed stream of events goes on over two kills, event by event", { timeout: 90_000 }, async () => {
  const { config, start, sdk, ...first } = await mortal();
  let service = first.service;
  await sdk.batches.create(await scriptZip("true"), { name: "quick", overlap: "allow" });
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const ids: number[] = [];
  let ended = 0;
  const watching = (async () => {
    for await (const item of sdk.events.stream({ from: 0 }, { signal: leaving.signal })) {
      if (item.event !== "event") throw new Error("Events were said to be gone.");
      ids.push(item.data.id);
      if (item.data.kind === "execution.finished" && ++ended === 60) return;
    }
  })();
  for (let round = 0; round < 3; round++) {
    if (round > 0) {
      await service.kill("SIGKILL");
      service = await start();
    }
    await Promise.all(Array.from({ length: 20 }, () => sdk.batches.run("quick")));
  }
  await watching;
  await finalRows(sdk, "quick", 60);
  const database = await Database.open(config.databaseUrl);
  onTestFinished(() => database.close());
  const written = await database.read((manager) => manager.find(Event, { order: { id: "ASC" } }));
  expect(ids).toEqual(written.map(({ id }) => id).slice(0, ids.length));
  expect(written.length - ids.length).toBeLessThan(5);
});

it(
  "a reader at one service process sees what the other executes, and goes on there alone",
  { timeout: 90_000 },
  async () => {
    const gate = await Gate.make();
    const { config, service, sdk } = await mortal();
    const other = await startServiceProcess({ ...config, port: 0 });
    await sdk.batches.create(await scriptZip("echo one", gate.pass(), "echo two"), { name: "batch" });
    const execution = await sdk.batches.run("batch");
    await gate.arrival();
    const seen: ExecutionStreamEvent[] = [];
    for await (const event of other.sdk.executions.stream(execution.id)) {
      seen.push(event);
      if (outputOf(seen, "out") !== "one\n") continue;
      // Whose run it was is killed: the script goes on, and this process takes it up.
      await service.kill("SIGKILL");
      gate.open();
    }
    expect(outputOf(seen, "out")).toBe("one\ntwo\n");
    expect(seen.at(-1)).toMatchObject({ event: "end", data: { status: "completed" } });
    expect((await finalRow(other.sdk, execution)).status).toBe("completed");
  },
);
