// Runs per second, from the HTTP request to the recorded end with its log on disk, against the bare loop of xargs.
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { scaled } from "./scale.js";
import { idle, startService, uploadScript, type Service } from "./service.js";
import { median, round, table } from "./statistics.js";

const ROUNDS = 5;
const RUNS = scaled(400);
const REQUESTS_AT_ONCE = 16;
const SCRIPT = "echo hello\n";

/** Uploads a batch of which any number may run at once, and lays its script out for the bare loop too. */
export async function prepareRuns(service: Service): Promise<void> {
  mkdirSync(bareFolder(service));
  writeFileSync(path.join(bareFolder(service), "script.sh"), SCRIPT);
  await uploadScript(service, SCRIPT, { name: "bench", overlap: "allow" });
}

/** Seconds for so many executions of that batch. */
export async function throughService(service: Service, runs: number): Promise<number> {
  const started = performance.now();
  let asked = 0;
  const ask = async () => {
    while (asked++ < runs) await service.call("POST", "/api/v1/batches/bench/run", "{}");
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, ask));
  await idle(service);
  return (performance.now() - started) / 1000;
}

/** Seconds for the same number of runs without any record of them. */
export async function throughXargs(service: Service, runs: number, atOnce: number): Promise<number> {
  const started = performance.now();
  const loop = `seq ${runs} | xargs -P ${atOnce} -n 1 bash script.sh > xargs.log`;
  await promisify(execFile)("sh", ["-c", loop], { cwd: bareFolder(service) });
  return (performance.now() - started) / 1000;
}

/** @throws Error if any execution of this service did not complete */
export async function mustHaveCompleted(service: Service): Promise<void> {
  const failed = await service.sdk.executions.list({ status: "failed,lost,skipped", limit: 1 });
  if (failed.items.length > 0) throw new Error("some runs did not complete");
}

export async function throughput(): Promise<void> {
  const rows: string[][] = [];
  for (const atOnce of [2, 4, 8]) {
    const service = await startService({ CONCURRENCY: String(atOnce), LOG_LEVEL: "info" });
    await prepareRuns(service);
    await throughService(service, RUNS);
    const rounds: { ours: number; xargs: number }[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const xargs = await throughXargs(service, RUNS, atOnce);
      rounds.push({ xargs, ours: await throughService(service, RUNS) });
    }
    await mustHaveCompleted(service);
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

const bareFolder = (service: Service): string => path.join(service.folder, "bare");
