// A thousand occurrences due at the same instant: how late each is in the ledger, and how late its script starts.
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Execution } from "../src/entities/execution.js";
import { addSchedules, makeOriginal, openDatabase } from "./copies.js";
import { counted, scaled } from "./scale.js";
import { idle, newFolder, startService } from "./service.js";
import { percentile, round, table } from "./statistics.js";

const COUNT = scaled(1000);
const AT_ONCE = 8;
const LEAD_MS = 6000;
const POLL_MS = 50;
/** Says itself when it began, without starting a program for that. */
const SCRIPT = 'echo "$EPOCHREALTIME" >>"$WITNESS"\n';

/** The instants that the scripts wrote down, in ms since 1970. */
function startsIn(witness: string): number[] {
  const lines = readFileSync(witness, "utf8").trim().split("\n");
  // In some languages the point is a comma.
  return lines.map((line) => Number(line.replace(/\D/, "")) / 1000);
}

export async function lateness(): Promise<void> {
  const witness = path.join(newFolder(), "starts");
  const folder = await makeOriginal(SCRIPT, { env: { WITNESS: witness } });
  const due = Math.ceil(Date.now() / 1000) * 1000 + LEAD_MS;
  await addSchedules(folder, COUNT, () => ({ kind: "once", expression: null, onceAt: due }));

  const service = await startService({ CONCURRENCY: String(AT_ONCE) }, { folder });
  const database = await openDatabase(folder);
  const made = () => database.read((manager) => manager.countBy(Execution, { scheduledAt: due }));
  while ((await made()) < COUNT) await delay(POLL_MS);
  await idle(service);
  const rows = await database.read((manager) => manager.findBy(Execution, { scheduledAt: due }));
  await service.stop();
  await database.close();
  const starts = startsIn(witness);
  if (rows.length !== COUNT || starts.length !== COUNT) {
    throw new Error(`${COUNT} occurrences made ${rows.length} rows and ${starts.length} starts.`);
  }
  const cells = (instants: number[]) => [0.5, 0.99, 1].map((share) => round(percentile(instants, share) - due));
  console.log(`## ${counted(COUNT)} occurrences due at the same instant (SQLite, ${AT_ONCE} at a time): ms late\n`);
  table(
    ["", "p50", "p99", "max"],
    [
      ["in the ledger", ...cells(rows.map(({ queuedAt }) => queuedAt))],
      ["script claimed", ...cells(rows.map(({ startedAt }) => startedAt ?? Infinity))],
      ["script started", ...cells(starts)],
    ],
  );
}
