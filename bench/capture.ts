// Much output, captured by the service and by a plain redirect of the shell.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { counted, scaled } from "./scale.js";
import { runOnce, startService, uploadScript, type Service } from "./service.js";
import { median, round, table } from "./statistics.js";

const ROUNDS = 5;
const MEBIBYTES = scaled(512);
const LINES = scaled(1_000_000);

const LOADS = [
  { batch: "hello", name: "one line: the price of a run as such", script: "echo hello\n" },
  { batch: "zeros", name: `${MEBIBYTES} MiB without a line feed`, script: `head -c ${MEBIBYTES}M /dev/zero\n` },
  { batch: "lines", name: `${counted(LINES)} lines`, script: `seq ${LINES}\n` },
];

/** Measured by the shell itself, so that starting it does not count. In microseconds. */
const REDIRECT = `
  begun=$EPOCHREALTIME
  bash script.sh > output
  ended=$EPOCHREALTIME
  echo "$((\${ended/./} - \${begun/./}))"`;

interface Capture {
  ms: number;
  bytes: number;
}

function throughRedirect(folder: string): Capture {
  const output = path.join(folder, "output");
  const env = { ...process.env, LC_ALL: "C" };
  const ms = Number(execFileSync("bash", ["-c", REDIRECT], { cwd: folder, env, encoding: "utf8" })) / 1000;
  const bytes = statSync(output).size;
  // What was never needed on the disk must not be written there while the other one is measured.
  rmSync(output);
  return { ms, bytes };
}

/** From the claim of the execution to its recorded end, or to the last byte of its log, should that come later. */
async function throughService(service: Service, batch: string): Promise<Capture> {
  const { id, startedAt, finishedAt } = await runOnce(service, batch);
  const log = path.join(service.folder, "logs", String(Math.floor(id / 1000)), `${id}-1.log`);
  const { size: bytes, mtimeMs } = statSync(log);
  rmSync(log);
  return { ms: Math.max(Date.parse(finishedAt ?? ""), mtimeMs) - Date.parse(startedAt ?? ""), bytes };
}

export async function capture(): Promise<void> {
  const service = await startService({ MAX_LOG: "1G", CONCURRENCY: "1" });
  const rows: string[][] = [];
  for (const { batch, name, script } of LOADS) {
    const bare = path.join(service.folder, `bare-${batch}`);
    mkdirSync(bare);
    writeFileSync(path.join(bare, "script.sh"), script);
    await uploadScript(service, script, { name: batch });
    const rounds: { redirect: Capture; ours: Capture }[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      rounds.push({ redirect: throughRedirect(bare), ours: await throughService(service, batch) });
    }
    if (rounds.some(({ redirect, ours }) => redirect.bytes !== ours.bytes)) throw new Error("a log is not whole");
    const redirect = median(rounds.map((each) => each.redirect.ms));
    const ours = median(rounds.map((each) => each.ours.ms));
    rows.push([name, round(redirect, 1), round(ours, 1), round(ours / redirect, 2)]);
  }
  await service.stop();
  console.log(`## Capture of much output (${ROUNDS} rounds, interleaved, medians)\n`);
  table(["", "bash script.sh > file: ms", "Batchline: ms", "ratio"], rows);
}
