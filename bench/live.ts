// Live: how late output and events reach those who watch, what a stream costs, and how fast one is read.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EventStreamParser } from "../src/models/server-sent-event.js";
import { counted, scaled } from "./scale.js";
import { idle, newFolder, runOnce, startService, uploadScript, type Service } from "./service.js";
import { median, percentile, round, table } from "./statistics.js";
import { tokensFor, watch, type Stream } from "./watchers.js";

const READERS = scaled(200);
const STREAMS = scaled(1000);
const SECONDS = 8;
const MEBIBYTES = scaled(256);
const ROUNDS = 5;
const FIRINGS = scaled(200);
const SETTLE_MS = 1500;

/** Each line is the instant at which it was written, in microseconds; 50 lines a second. */
const TICKER = `for ((i = 0; i < ${SECONDS * 50}; i++)); do read -rt 0.02 <> <(:); echo "\${EPOCHREALTIME/./}"; done; true\n`;

const nowMs = () => performance.timeOrigin + performance.now();

export async function live(): Promise<void> {
  await outputLatency();
  await eventLatency();
  await memoryOfStreams();
  await throughputOfOne();
}

/** The delays of what a stream of text brings, in ms; each line is the instant at which it was written. */
function delaysIn(text: string, now: number): number[] {
  return [...text.matchAll(/\d{16}/g)].map(([written]) => now - Number(written) / 1000);
}

function collect({ answer }: Stream): number[] {
  const parser = new EventStreamParser();
  const delays: number[] = [];
  answer.setEncoding("utf8").on("data", (chunk: string) => {
    const now = nowMs();
    for (const { event, data } of parser.push(chunk)) if (event === "output") delays.push(...delaysIn(data, now));
  });
  return delays;
}

const latencyRow = (name: string, delays: number[]) => [
  name,
  counted(delays.length),
  ...[0.5, 0.99, 1].map((share) => round(percentile(delays, share), 1)),
];

async function outputLatency(): Promise<void> {
  const service = await startService();
  const tokens = await tokensFor(service, READERS);
  await uploadScript(service, TICKER, { name: "ticker" });
  const rows: string[][] = [];
  for (const readers of [1, READERS]) {
    const { id } = await service.sdk.batches.run("ticker");
    const url = `${service.url}/api/v1/executions/${id}/stream`;
    const streams = await Promise.all(Array.from({ length: readers }, (_, n) => watch(url, tokens, n)));
    const collected = streams.map(collect);
    const log = path.join(service.folder, "logs", "0", `${id}-1.log`);
    while (!existsSync(log)) await delay(5);
    const tail = spawn("tail", ["-n", "+1", "-F", log], { stdio: ["ignore", "pipe", "ignore"] });
    const bare: number[] = [];
    tail.stdout.setEncoding("utf8").on("data", (chunk: string) => bare.push(...delaysIn(chunk, nowMs())));
    await Promise.all(streams.map(({ answer }) => once(answer, "end")));
    tail.kill();
    // What was written before everybody was there is no matter of latency.
    const settled = (delays: number[]) => delays.slice(50);
    rows.push(latencyRow(`${readers} at the stream`, collected.flatMap(settled)));
    rows.push(latencyRow("beside them, `tail -F` of the file", settled(bare)));
  }
  await service.stop();
  console.log("## From the script's write to the reader (50 lines a second)\n");
  table(["readers", "lines", "p50: ms", "p99: ms", "longest: ms"], rows);
}

async function eventLatency(): Promise<void> {
  const folder = newFolder();
  const [here, there] = [await startService({}, { folder }), await startService({}, { folder })];
  await uploadScript(here, "true\n", { name: "quick", overlap: "allow" });
  const tokens = await tokensFor(here, 2);
  const rows: string[][] = [];
  for (const [name, service] of Object.entries({ "the same process": here, "another process": there })) {
    const stream = await watch(`${service.url}/api/v1/events/stream?kind=execution.finished`, tokens, 0);
    const parser = new EventStreamParser();
    const delays: number[] = [];
    stream.answer.setEncoding("utf8").on("data", (chunk: string) => {
      const now = Date.now();
      for (const { data } of parser.push(chunk)) {
        const { occurredAt } = JSON.parse(data) as { occurredAt: string };
        delays.push(now - Date.parse(occurredAt));
      }
    });
    // The other one executes nothing while it watches: it is asked for nothing, and all is claimed where it is asked for.
    for (let n = 0; n < FIRINGS; n++) await runOnce(here, "quick");
    while (delays.length < FIRINGS) await delay(20);
    stream.close();
    rows.push(latencyRow(`watched at ${name}`, delays));
  }
  await Promise.all([here.stop(), there.stop()]);
  console.log("## From an event's instant to the reader (SQLite, two service processes)\n");
  table(["", "events", "p50: ms", "p99: ms", "longest: ms"], rows);
}

async function memoryOfStreams(): Promise<void> {
  const service = await startService({}, { probe: true });
  const tokens = await tokensFor(service, STREAMS);
  await uploadScript(service, "echo hello; sleep 60\n", { name: "sleeper", killAfter: "1s" });
  const { id } = await service.sdk.batches.run("sleeper");
  await delay(SETTLE_MS);
  const at = async () => ({ heap: await service.ask("heap"), resident: service.memory() });
  const before = await at();
  const streams: Stream[] = [];
  for (let n = 0; n < STREAMS; n++) {
    const route = n % 2 === 0 ? "events" : `executions/${id}`;
    const stream = await watch(`${service.url}/api/v1/${route}/stream`, tokens, n);
    stream.answer.resume();
    streams.push(stream);
  }
  await delay(SETTLE_MS);
  const during = await at();
  const cpu = await cpuShare(service);
  for (const stream of streams) stream.close();
  await delay(SETTLE_MS);
  const after = await at();
  await service.sdk.executions.cancel(id);
  await idle(service);
  await service.stop();
  console.log(
    `## Memory of ${counted(STREAMS)} open streams (half of events, half of one execution; garbage collected)\n`,
  );
  const row = (name: string, { heap, resident }: typeof before) => [name, round(resident, 1), round(heap, 1)];
  const each = (key: "heap" | "resident") => `${round(((during[key] - before[key]) * 1024) / STREAMS, 1)} KB`;
  table(
    ["", "RSS MB", "heap MB"],
    [row("before", before), row("open", during), row("closed again", after), ["each", each("resident"), each("heap")]],
  );
  console.log(`While they are open and nothing happens, the service uses ${round(cpu, 1)} % of a processor.\n`);
}

/** How busy the service is, in % of one processor. */
async function cpuShare({ pid }: Service): Promise<number> {
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = ticks();
  await delay(2000);
  return (ticks() - before) / 2;
}

async function drained(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  answer.on("data", (chunk: Buffer) => (bytes += chunk.length));
  await once(answer, "end");
  return bytes;
}

async function throughputOfOne(): Promise<void> {
  const service = await startService({ MAX_LOG: "1G" });
  const tokens = await tokensFor(service, 1);
  await uploadScript(service, `yes 'a line of the log, as long as many are' | head -c ${MEBIBYTES}M\n`, {
    name: "flood",
  });
  const { id } = await runOnce(service, "flood");
  const log = path.join(service.folder, "logs", "0", `${id}-1.log`);
  const server = createServer((_, response) => {
    spawn("cat", [log], { stdio: ["ignore", "pipe", "ignore"] }).stdout.pipe(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const bareUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const here = `${service.url}/api/v1/executions/${id}`;
  const ways: Record<string, () => Promise<IncomingMessage>> = {
    "`cat` through a bare Node server": () => new Promise((resolve) => get(bareUrl, resolve)),
    "the log, downloaded": async () => (await watch(`${here}/log`, tokens, 0)).answer,
    "the log, followed": async () => (await watch(`${here}/log?follow=1`, tokens, 0)).answer,
    "the stream": async () => (await watch(`${here}/stream`, tokens, 0)).answer,
  };
  const rates = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  for (let n = 0; n < ROUNDS; n++) {
    for (const [name, open] of Object.entries(ways)) {
      const began = performance.now();
      const bytes = await drained(await open());
      if (bytes < MEBIBYTES * 1024 ** 2) throw new Error("a log is not whole");
      rates.get(name)?.push((MEBIBYTES * 1000) / (performance.now() - began));
    }
  }
  server.close();
  await service.stop();
  console.log(`## One reader of a log of ${MEBIBYTES} MiB (${ROUNDS} rounds, interleaved, medians)\n`);
  const bare = median([...rates.values()][0] ?? []);
  table(
    ["", "MiB/s", "ratio"],
    [...rates].map(([name, each]) => [name, round(median(each)), round(median(each) / bare, 2)]),
  );
}
