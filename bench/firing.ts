// Firings of triggers per second, each answered when it is durable: alone, with scripts running beside, and against the floor.
import { request, Agent } from "node:http";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { scaled } from "./scale.js";
import { idle, startService, TOKEN, uploadScript, type Service } from "./service.js";
import { median, percentile, round, table } from "./statistics.js";

const FLOOR = fileURLToPath(new URL("./firing-floor.mjs", import.meta.url));
const FIRINGS = scaled(2000);
const ROUNDS = 3;
const AT_ONCE = 16;
const SCHEMA = { type: "object", required: ["id"], properties: { id: { type: "integer" }, name: { type: "string" } } };
const PAYLOAD = JSON.stringify({ payload: { id: 7, name: "somebody" } });
/** The day of an older system: firings, and planned instants. */
const SEED = { firings: 15_000, planned: 20_000 };

interface Volley {
  perSecond: number;
  p50: number;
  p99: number;
}

/** Posts `PAYLOAD` so often, `AT_ONCE` at the same time. */
async function volley(url: string, count: number): Promise<Volley> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const times: number[] = [];
  let sent = 0;
  const shoot = async () => {
    while (sent++ < count) {
      const started = performance.now();
      await post(url, agent);
      times.push(performance.now() - started);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, shoot));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  return { perSecond: count / seconds, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

function post(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };
    const outgoing = request(url, { method: "POST", agent, headers }, (answer) => {
      answer.resume().on("end", () => {
        if (answer.statusCode === 202) resolve();
        else reject(new Error(`answered ${answer.statusCode ?? 0}`));
      });
    });
    outgoing.on("error", reject).end(PAYLOAD);
  });
}

/** A bare node:http server that writes each body as one row of SQLite with the same durability, and nothing else. */
async function floor(): Promise<{ url: string; stop(): void }> {
  const server = spawn(process.execPath, [FLOOR], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [port] = (await once(server, "message")) as [number];
  return { url: `http://127.0.0.1:${port}/`, stop: () => void server.kill() };
}

/** Keeps `atOnce` scripts running until the function that it gives is called. */
function busy(service: Service, atOnce: number): () => Promise<void> {
  const stop = new AbortController();
  const run = async () => {
    while (!stop.signal.aborted) {
      const { id } = await service.sdk.batches.run("load");
      while ((await service.sdk.executions.get(id)).finishedAt === null) await delay(20);
    }
  };
  const runs = Array.from({ length: atOnce }, run);
  return async () => {
    stop.abort();
    await Promise.all(runs);
  };
}

export async function firing(): Promise<void> {
  const service = await startService({ CONCURRENCY: "2", MAX_QUEUED: "1000000" });
  await uploadScript(service, "true\n", { name: "quick", overlap: "allow" });
  await uploadScript(service, 'for i in {1..20000}; do echo "$i"; done\n', { name: "load", overlap: "allow" });
  const { triggers } = service.sdk;
  const event = await triggers.create({ name: "event", kind: "api" });
  const checked = await triggers.create({ name: "checked", kind: "api", schema: SCHEMA });
  const batch = await triggers.create({ name: "batch", kind: "api", batch: "quick", schema: SCHEMA });
  const urlOf = ({ id }: { id: number }) => `${service.url}/api/v1/triggers/${id}/fire`;
  const bare = await floor();
  const shots: Record<string, () => Promise<Volley>> = {
    "bare node:http and one durable row each": () => volley(bare.url, FIRINGS),
    "an event alone": () => volley(urlOf(event), FIRINGS),
    "an event alone, with a schema": () => volley(urlOf(checked), FIRINGS),
    "with a batch (execution, two events), which runs meanwhile": () => volley(urlOf(batch), scaled(1000)),
    "an event alone, two scripts that print running beside": async () => {
      const stop = busy(service, 2);
      const result = await volley(urlOf(event), FIRINGS);
      await stop();
      return result;
    },
  };
  const results = new Map<string, Volley[]>(Object.keys(shots).map((name) => [name, []]));
  for (let i = 0; i < ROUNDS; i++) {
    for (const [name, shoot] of Object.entries(shots)) {
      results.get(name)?.push(await shoot());
      await idle(service);
    }
  }
  const [base = []] = [...results.values()];
  const rows = [...results].map(([name, rounds]) => [
    name,
    round(median(rounds.map(({ perSecond }) => perSecond))),
    round(median(rounds.map(({ perSecond }, i) => (base[i]?.perSecond ?? 0) / perSecond)), 1),
    round(median(rounds.map(({ p50 }) => p50)), 1),
    round(median(rounds.map(({ p99 }) => p99)), 1),
  ]);
  console.log(`## Firings of triggers (${FIRINGS} each, ${AT_ONCE} at once, ${ROUNDS} rounds, interleaved, medians)\n`);
  table(["what a firing writes", "accepted per second", "time, ratio to the floor", "p50 ms", "p99 ms"], rows);
  const slowest = Number(rows[3]?.[1] ?? 1);
  const share = ((SEED.firings + SEED.planned) / slowest / 86_400) * 100;
  console.log(
    `${SEED.firings} firings and ${SEED.planned} planned runs a day would take ${round(share, 2)} % of such a day. ` +
      `Service RSS at the end: ${round(service.memory())} MB.\n`,
  );
  bare.stop();
  await service.stop();
}
