// A 100 MB archive is uploaded and unpacked while somebody keeps asking whether the service is alive.
import { randomFillSync } from "node:crypto";
import { Agent, get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { zipOf } from "../test/support/zips.js";
import { startService } from "./service.js";
import { percentile, round, table } from "./statistics.js";

const MEGABYTES = 100;

/** Half-random data: about as compressible as real files are. */
function content(megabytes: number): Buffer {
  const bytes = Buffer.alloc(megabytes * 1024 ** 2);
  for (let at = 0; at < bytes.length; at += 8192) randomFillSync(bytes, at, 4096);
  return bytes;
}

function ping(url: string, agent: Agent): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    get(`${url}/health/live`, { agent }, (answer) => {
      answer.resume().on("end", () => resolve(performance.now() - started));
    }).on("error", reject);
  });
}

export async function upload(): Promise<void> {
  const files = Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => [`data/${i}.bin`, content((2 * MEGABYTES) / 10)] as const),
  );
  const archive = new Uint8Array(await zipOf({ "script.sh": "echo hello\n", ...files }));
  const service = await startService({});
  const before = service.memory();
  const agent = new Agent({ keepAlive: true });
  const pings: number[] = [];
  let peak = before;
  const state = { done: false };
  const started = performance.now();
  const uploading = service.sdk.batches.create(archive, { name: "large" }).finally(() => (state.done = true));
  while (!state.done) {
    pings.push(await ping(service.url, agent));
    peak = Math.max(peak, service.memory());
    await delay(2);
  }
  await uploading;
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  await service.stop();
  console.log(`## A zip of ${round(archive.length / 1024 ** 2)} MB, uploaded, checked and unpacked\n`);
  table(
    ["seconds", "/health/live meanwhile: p50 ms", "p99 ms", "max ms", "RSS before MB", "RSS peak MB"],
    [
      [
        round(seconds, 2),
        ...[0.5, 0.99, 1].map((share) => round(percentile(pings, share), 1)),
        round(before),
        round(peak),
      ],
    ],
  );
}
