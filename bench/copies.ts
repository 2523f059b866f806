// One batch that was really uploaded, and thousands of copies of its rows: what as many uploads and runs would leave.
import path from "node:path";
import { Database } from "../src/database/database.js";
import { insertRows } from "../src/database/plain.js";
import { Artifact } from "../src/entities/artifact.js";
import { Batch } from "../src/entities/batch.js";
import { Execution } from "../src/entities/execution.js";
import { Trigger } from "../src/entities/trigger.js";
import { systemClock } from "../src/handlers/clock.js";
import { EventLog } from "../src/handlers/event-log.js";
import { makeLogger } from "../src/handlers/logger.js";
import { newOwner } from "../src/jobs/ownership.js";
import { Queue } from "../src/jobs/queue.js";
import { Scheduler } from "../src/jobs/scheduler.js";
import type { BatchConfigInput } from "../src/sdk/client.js";
import { startService, uploadScript } from "./service.js";

const BATCHES_PER_TRANSACTION = 500;
const EXECUTIONS_PER_TRANSACTION = 50_000;
const DAY_MS = 86_400_000;

/** When the copy with this number is due. */
export type Plan = (i: number) => Pick<Trigger, "kind" | "expression" | "onceAt">;

/** Different yearly expressions, none of which falls into this month or the next: their schedules do nothing but wait. */
export const IDLE: Plan = (i) => {
  const month = ((new Date().getUTCMonth() + 2 + (i % 9)) % 12) + 1;
  const expression = `${i % 60} ${Math.floor(i / 60) % 24} ${1 + (i % 28)} ${month} *`;
  return { kind: "cron", expression, onceAt: null };
};

/** Makes a service's folder with one batch in it, called "original", and gives the folder. */
export async function makeOriginal(script: string, config: Partial<BatchConfigInput> = {}): Promise<string> {
  const service = await startService();
  await uploadScript(service, script, { name: "original", cron: "@yearly", timeZone: "Europe/Berlin", ...config });
  await service.stop();
  return service.folder;
}

/** The database of a folder's service; while that runs, beside it. */
export function openDatabase(folder: string): Promise<Database> {
  return Database.open(`sqlite:${path.join(folder, "data", "batchline.sqlite")}`);
}

/** A scheduler to plan with. What falls due meanwhile is only queued: there is nobody to run it. */
export function makeScheduler(database: Database): Scheduler {
  const logger = makeLogger("warn");
  const clock = systemClock;
  const tellsNobody = { alerter: { note: () => undefined }, events: new EventLog({ clock }) };
  const queue = new Queue({ ...tellsNobody, database, clock, concurrency: 1, owner: newOwner() });
  return new Scheduler({ ...tellsNobody, database, queue, clock, logger });
}

/** Copies the original, its artifact and its trigger; plans each copy. */
export async function copyBatch(database: Database, scheduler: Scheduler, count: number, planOf: Plan): Promise<void> {
  const { batch, artifact, trigger } = await database.read(async (manager) => ({
    batch: await manager.findOneByOrFail(Batch, { name: "original" }),
    artifact: await manager.findOneByOrFail(Artifact, {}),
    trigger: await manager.findOneByOrFail(Trigger, {}),
  }));
  for (let from = 0; from < count; from += BATCHES_PER_TRANSACTION) {
    const numbers = Array.from({ length: Math.min(BATCHES_PER_TRANSACTION, count - from) }, (_, i) => from + i);
    await database.write(async (transaction) => {
      const { manager } = transaction;
      const batches = numbers.map((i) => {
        const name = `copy-${i}`;
        return Object.assign(new Batch(), batch, { name, foldedName: name, nameKey: name });
      });
      await insertRows(manager, Batch, batches);
      const owners = batches.map(({ id: batchId }) => ({ batchId }));
      await insertRows(
        manager,
        Artifact,
        owners.map((owner) => Object.assign(new Artifact(), artifact, owner)),
      );
      const triggers = owners.map((owner, i) =>
        Object.assign(new Trigger(), trigger, { ...owner, ...planOf(numbers[i]!), nextAt: null }),
      );
      await insertRows(manager, Trigger, triggers);
      await scheduler.arm(transaction, triggers);
    });
  }
}

/** Adds copies of the original to a folder whose service is not running. */
export async function addSchedules(folder: string, count: number, planOf: Plan): Promise<void> {
  const database = await openDatabase(folder);
  const scheduler = makeScheduler(database);
  await copyBatch(database, scheduler, count, planOf);
  await scheduler.close();
  await database.close();
}

/** Fills the ledger with copies of its latest row: every trigger ran day after day, as often as it takes. */
export async function addExecutions(folder: string, count: number): Promise<void> {
  const database = await openDatabase(folder);
  const triggers = await database.read((manager) => manager.find(Trigger, { order: { id: "ASC" } }));
  const [original] = await database.read((manager) => manager.find(Execution, { order: { id: "DESC" }, take: 1 }));
  if (!original) throw new Error("The original must have run.");
  const copyOf = (i: number) => {
    const { id: triggerId, kind: triggerKind, batchId } = triggers[i % triggers.length]!;
    const day = Math.floor(i / triggers.length);
    const scheduledAt = original.queuedAt - (day + 1) * DAY_MS;
    const occurrence = { batchId, triggerId, triggerKind, scheduledAt, source: "schedule", number: day + 1 };
    const times = { queuedAt: scheduledAt, startedAt: scheduledAt + 2, finishedAt: scheduledAt + 10 };
    return Object.assign(new Execution(), original, occurrence, times);
  };
  for (let from = 0; from < count; from += EXECUTIONS_PER_TRANSACTION) {
    const length = Math.min(EXECUTIONS_PER_TRANSACTION, count - from);
    const rows = Array.from({ length }, (_, i) => copyOf(from + i));
    await database.write(({ manager }) => insertRows(manager, Execution, rows));
  }
  await database.close();
}
