// A thousand occurrences due at the same instant: how late each is in the ledger, and how late its script starts.
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Database } from "../src/database/database.js";
import { insertRows } from "../src/database/plain.js";
import { Artifact } from "../src/entities/artifact.js";
import { Execution } from "../src/entities/execution.js";
import { makeScheduler, register } from "./schedules.js";
import { newFolder, startService } from "./service.js";
import { percentile, round, table } from "./statistics.js";
import { zipOf } from "../test/support/zips.js";

const COUNT = 1000;
const LEAD_MS = 6000;

export async function lateness(): Promise<void> {
  const folder = newFolder();
  const url = `sqlite:${path.join(folder, "data", "batchline.sqlite")}`;
  // One real upload gives the files; the thousand batches share its artifact.
  const maker = await startService({}, folder);
  await maker.sdk.batches.create(new Uint8Array(await zipOf({ "script.sh": "echo hello\n" })), { name: "maker" });
  await maker.stop();
  const database = await Database.open(url);
  const scheduler = makeScheduler(database);
  const due = Math.ceil(Date.now() / 1000) * 1000 + LEAD_MS;
  await register(database, scheduler, COUNT, () => ({ kind: "once", expression: null, onceAt: due }));
  await scheduler.close();
  await database.write(async ({ manager }) => {
    const original = await manager.findOneByOrFail(Artifact, { batchId: 1 });
    const rows = Array.from({ length: COUNT }, (_, i) => Object.assign(new Artifact(), original, { batchId: 2 + i }));
    await insertRows(manager, Artifact, rows);
  });

  const service = await startService({ CONCURRENCY: "8" }, folder);
  for (;;) {
    const made = await database.read((manager) => manager.count(Execution));
    const { items } = await service.sdk.executions.list({ status: "queued,running", limit: 1 });
    if (made === COUNT && items.length === 0) break;
    await delay(50);
  }
  const rows = await database.read((manager) => manager.find(Execution));
  await service.stop();
  await database.close();
  const queued = rows.map(({ queuedAt }) => queuedAt - due);
  const startedLate = rows.map(({ startedAt }) => (startedAt ?? Infinity) - due);
  const cells = (values: number[]) => [0.5, 0.99, 1].map((share) => round(percentile(values, share)));
  console.log(`## ${COUNT} occurrences due at the same instant (SQLite, 8 at a time): ms late\n`);
  table(
    ["", "p50", "p99", "max"],
    [
      ["in the ledger", ...cells(queued)],
      ["script claimed", ...cells(startedLate)],
    ],
  );
}
