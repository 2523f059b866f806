// The list of hostile inputs of the tests, sent to the built service: does any of them hold it up, or fill its memory?
import { setTimeout as delay } from "node:timers/promises";
import { BASE, GOOD_ZIP, HOSTILE, type HostileInput, type HostileRequest } from "../test/hostile/index.js";
import { pingDuring } from "./ping.js";
import { startService, TOKEN, type Service } from "./service.js";
import { HOOK } from "../test/hostile/triggers.js";
import { median, percentile, round, table } from "./statistics.js";

const PAUSE_MS = 2;
const ROUNDS = 5;
const SHOWN = 5;
const SETTLE_MS = 4;

/** Sends one, and gives the longest turn of the event loop until it was answered, in ms. */
async function longestTurn(
  service: Service,
  { title, status }: HostileInput,
  { path, headers, body }: HostileRequest,
): Promise<number> {
  await service.ask("watch");
  // The first turn that is watched only begins to count.
  await delay(SETTLE_MS);
  const init = {
    method: "POST",
    headers: { ...headers, Authorization: `Bearer ${TOKEN}` },
    body: new Uint8Array(body),
  };
  const response = await fetch(service.url + path, init);
  await response.arrayBuffer();
  if (response.status !== status) throw new Error(`${title}: ${response.status} instead of ${status}`);
  return (await service.ask("turns")).max;
}

export async function hostile(): Promise<void> {
  const service = await startService({}, { probe: true });
  await service.sdk.batches.create(new Uint8Array(GOOD_ZIP), { name: BASE });
  await service.sdk.triggers.create(HOOK);
  // Made beforehand: making some of them would hold up whoever measures.
  const list = await Promise.all(HOSTILE.map(async (input) => ({ input, request: await input.request(), turns: [0] })));
  const before = service.memory();
  const work = async () => {
    for (let i = 0; i < ROUNDS; i++)
      for (const { input, request, turns } of list) turns[i] = await longestTurn(service, input, request);
  };
  const started = performance.now();
  const pings = await pingDuring(service.url, work(), PAUSE_MS);
  const seconds = (performance.now() - started) / 1000 / ROUNDS;
  const peak = service.peakMemory();
  await service.stop();
  console.log(`## ${HOSTILE.length} hostile inputs, one after the other (${ROUNDS} rounds)\n`);
  const worst = Math.max(...list.flatMap(({ turns }) => turns));
  const memory = [round(before), round(peak)];
  table(
    [
      "seconds per round",
      "longest turn: ms",
      "/health/live p50: ms",
      "p99: ms",
      "longest: ms",
      "RSS before MB",
      "peak MB",
    ],
    [
      [
        round(seconds, 1),
        round(worst, 1),
        ...[0.5, 0.99, 1].map((share) => round(percentile(pings, share), 1)),
        ...memory,
      ],
    ],
  );
  const slowest = list
    .map(({ input, turns }) => ({ title: input.title, ms: median(turns) }))
    .sort((a, b) => b.ms - a.ms);
  table(
    ["the inputs with the longest turns", "median: ms"],
    slowest.slice(0, SHOWN).map(({ title, ms }) => [title, round(ms, 1)]),
  );
}
