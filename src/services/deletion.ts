// Deletion by force: ends everything of a batch that has not ended, so that it can be deleted.
import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../database/database.js";
import { Batch } from "../entities/batch.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import { activeByBatch } from "../jobs/admission.js";
import type { Queue } from "../jobs/queue.js";
import type { Actor } from "../models/actor.js";
import { parseDuration } from "../models/duration.js";
import type { Enablement } from "./enablement.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  enablement: Enablement;
  events: EventLog;
  clock: Clock;
}

const LOOK_EVERY_MS = 50;
/** On top of the grace time of its scripts, so long the end of everything is waited for. */
const PATIENCE_MS = 15_000;

export class Deletion {
  constructor(private readonly with_: Collaborators) {}

  /**
   * Disables the batch, so that nothing new comes, and cancels what has not ended; returns when all of it has.
   *
   * @throws AppError `conflict` if that takes longer than its grace time and some seconds; it stays disabled
   */
  async endAll(id: number, actor: Actor): Promise<void> {
    const { database } = this.with_;
    const batch = await database.read((manager) => manager.findOneBy(Batch, { id }));
    const deadline = performance.now() + (parseDuration(batch?.config.killAfter ?? "") ?? 0) + PATIENCE_MS;
    while ((await this.cancelAll(id, actor)) > 0) {
      if (performance.now() > deadline) {
        const message = `What runs of "${batch?.name ?? id}" could not be ended in time. It is disabled; try again.`;
        throw new AppError("conflict", message, { reason: "batch_running" });
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  /** How many executions have not ended yet. */
  private async cancelAll(id: number, actor: Actor): Promise<number> {
    const { clock, database, enablement, events, queue } = this.with_;
    const count = async () => (await database.read((manager) => activeByBatch(manager, [id]))).get(id)?.length ?? 0;
    if ((await count()) === 0) return 0;
    await database.write(async (transaction) => {
      const { manager } = transaction;
      const batch = await manager.findOneBy(Batch, { id });
      if (batch?.disabledAt === null) {
        await manager.update(Batch, { id }, { disabledAt: clock.now() });
        const subject = { type: "batch" as const, id, name: batch.name };
        await events.append(transaction, { kind: "batch.disabled", subject, source: "api", actor });
      }
      await enablement.settle(transaction);
      const reason = { code: "deleted", text: `Its batch is deleted by ${actor.name}.` };
      for (const active of (await activeByBatch(manager, [id])).get(id) ?? []) {
        if (active.id !== null && active.status !== "stopping")
          await queue.stop(transaction, active.id, { as: "cancelled", reason, actor });
      }
    });
    return count();
  }
}
