// Ten thousand schedules: what it takes to register them, to load them again, and to hold them.
import path from "node:path";
import { Database } from "../src/database/database.js";
import { Batch } from "../src/entities/batch.js";
import { Trigger } from "../src/entities/trigger.js";
import { systemClock } from "../src/handlers/clock.js";
import { EventLog } from "../src/handlers/event-log.js";
import { makeLogger } from "../src/handlers/logger.js";
import { Queue } from "../src/jobs/queue.js";
import { Scheduler } from "../src/jobs/scheduler.js";
import { parseBatchConfig } from "../src/models/batch-config.js";
import { newFolder } from "./service.js";
import { round, table } from "./statistics.js";

const COUNT = 10_000;
const PER_TRANSACTION = 500;

/** Ten thousand different daily and yearly expressions. */
const expressionOf = (i: number) =>
  i % 2 === 0 ? `${i % 60} ${(i >> 1) % 24} * * *` : `${i % 60} ${i % 24} ${1 + (i % 28)} ${1 + (i % 12)} *`;

export function makeScheduler(database: Database): Scheduler {
  const logger = makeLogger("warn");
  const clock = systemClock;
  const queue = new Queue({ database, clock, events: new EventLog({ clock }), concurrency: 1 });
  return new Scheduler({ database, queue, clock, logger });
}

/** Makes batches with a trigger each, plans them, and gives their triggers' ids. */
export async function register(
  database: Database,
  scheduler: Scheduler,
  count: number,
  triggerOf: (i: number) => Pick<Trigger, "kind" | "expression" | "onceAt">,
): Promise<void> {
  const parsed = parseBatchConfig({ name: "bench" }, "", 0);
  if (!parsed.ok) throw new Error("bad config");
  const { config } = parsed;
  for (let from = 0; from < count; from += PER_TRANSACTION) {
    await database.write(async (transaction) => {
      const now = Date.now();
      const rows = Array.from({ length: Math.min(PER_TRANSACTION, count - from) }, (_, i) =>
        Object.assign(new Batch(), {
          ...{ name: `b${from + i}`, foldedName: "", nameKey: `key${from + i}`, description: "", config, version: 1 },
          ...{ disabledAt: null, enabled: true, executionCount: 0, revision: 1, createdAt: now, updatedAt: now },
        }),
      );
      await transaction.manager.insert(Batch, rows);
      const triggers = rows.map((batch, i) =>
        Object.assign(new Trigger(), {
          ...triggerOf(from + i),
          ...{ batchId: batch.id, timeZone: "Europe/Berlin", dst: "next_valid", nextAt: null, createdAt: now },
        }),
      );
      await transaction.manager.insert(Trigger, triggers);
      await scheduler.arm(transaction, triggers);
    });
  }
}

function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1024 ** 2;
}

export async function schedules(): Promise<void> {
  const url = `sqlite:${path.join(newFolder(), "schedules.sqlite")}`;
  const database = await Database.open(url);
  const scheduler = makeScheduler(database);
  const before = heapMb();
  const started = performance.now();
  await register(database, scheduler, COUNT, (i) => ({ kind: "cron", expression: expressionOf(i), onceAt: null }));
  const registered = performance.now() - started;
  const held = heapMb() - before;
  await scheduler.close();

  const again = makeScheduler(database);
  const reloadStart = performance.now();
  await again.start();
  const reloaded = performance.now() - reloadStart;
  await again.close();
  await database.close();
  console.log(`## ${COUNT} schedules (SQLite; daily and yearly expressions, Europe/Berlin)\n`);
  table(
    ["register, with batch and trigger rows: s", "load again: ms", "heap held: MB"],
    [[round(registered / 1000, 2), round(reloaded), round(held, 1)]],
  );
}
