// Runs per second, from the HTTP request to the recorded end with its log on disk, against the bare loop of xargs.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { zipOf } from "../test/support/zips.js";
import { startService, type Service } from "./service.js";
import { median, round, table } from "./statistics.js";

const ROUNDS = 5;
const RUNS = 400;
const REQUESTS_AT_ONCE = 16;
/** Asking costs the service as much as a run does, so not too often; it adds at most so much to a round. */
const POLL_MS = 20;
const SCRIPT = "echo hello\n";

/** Seconds for RUNS executions of one batch that allows overlap. */
async function throughService(service: Service): Promise<number> {
  const started = performance.now();
  let asked = 0;
  const ask = async () => {
    while (asked++ < RUNS) await service.call("POST", "/api/v1/batches/bench/run", "{}");
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, ask));
  for (;;) {
    const { items } = await service.sdk.executions.list({ status: "queued,running", limit: 1 });
    if (items.length === 0) return (performance.now() - started) / 1000;
    await delay(POLL_MS);
  }
}

/** Seconds for the same number of runs without any record of them. */
function throughXargs(folder: string, atOnce: number): number {
  const started = performance.now();
  execFileSync("sh", ["-c", `seq ${RUNS} | xargs -P ${atOnce} -n 1 bash script.sh > xargs.log`], { cwd: folder });
  return (performance.now() - started) / 1000;
}

export async function throughput(): Promise<void> {
  const rows: string[][] = [];
  for (const atOnce of [2, 4, 8]) {
    const service = await startService({ CONCURRENCY: String(atOnce), LOG_LEVEL: "info" });
    const bare = path.join(service.folder, "bare");
    mkdirSync(bare);
    writeFileSync(path.join(bare, "script.sh"), SCRIPT);
    const archive = new Uint8Array(await zipOf({ "script.sh": SCRIPT }));
    await service.sdk.batches.create(archive, { name: "bench", overlap: "allow" });
    await throughService(service);
    const rounds: { ours: number; xargs: number }[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      rounds.push({ xargs: throughXargs(bare, atOnce), ours: await throughService(service) });
    }
    const failed = await service.sdk.executions.list({ status: "failed,lost,skipped", limit: 1 });
    if (failed.items.length > 0) throw new Error("some runs did not complete");
    rows.push([
      String(atOnce),
      round(RUNS / median(rounds.map(({ xargs }) => xargs))),
      round(RUNS / median(rounds.map(({ ours }) => ours))),
      round(median(rounds.map(({ ours, xargs }) => ours / xargs)), 2),
      round(service.memory()),
    ]);
    await service.stop();
  }
  console.log(
    `## Runs per second, end to end (${RUNS} runs of \`echo hello\`, ${ROUNDS} rounds, interleaved, medians)\n`,
  );
  table(["at once", "xargs -P: runs/s", "Batchline: runs/s", "time per run, ratio", "service RSS MB"], rows);
}
