// A 100 MB archive is uploaded and unpacked while somebody keeps asking whether the service is alive.
import { randomFillSync } from "node:crypto";
import { zipOf } from "../test/support/zips.js";
import { pingDuring } from "./ping.js";
import { scaled } from "./scale.js";
import { startService } from "./service.js";
import { percentile, round, table } from "./statistics.js";

const MEGABYTES = scaled(100);
const PAUSE_MS = 2;

/** Half-random data: about as compressible as real files are. */
function content(megabytes: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(megabytes * 1024 ** 2));
  for (let at = 0; at + 4096 <= bytes.length; at += 8192) randomFillSync(bytes, at, 4096);
  return bytes;
}

export async function upload(): Promise<void> {
  const files = Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => [`data/${i}.bin`, content((2 * MEGABYTES) / 10)] as const),
  );
  const archive = new Uint8Array(await zipOf({ "script.sh": "echo hello\n", ...files }));
  const service = await startService();
  const before = service.memory();
  const started = performance.now();
  const uploading = service.sdk.batches.create(archive, { name: "large" });
  const pings = await pingDuring(service.url, uploading, PAUSE_MS);
  const seconds = (performance.now() - started) / 1000;
  const peak = service.peakMemory();
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
