// Enablement: which batches may be triggered, who withdrew them, and what becomes of the occurrences of a pause.
import { In, type EntityManager } from "typeorm";
import { lockedForUpdate } from "../database/locks.js";
import { selectByIds } from "../database/plain.js";
import { scheduledTriggers } from "../database/trigger-queries.js";
import type { Transaction } from "../database/transaction.js";
import { Batch } from "../entities/batch.js";
import { Execution } from "../entities/execution.js";
import { Link } from "../entities/link.js";
import type { BatchTrigger, Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { Demand, Verdict } from "../jobs/demand.js";
import { occurrenceDemand } from "../jobs/occurrence-demand.js";
import type { Queue } from "../jobs/queue.js";
import type { Scheduler } from "../jobs/scheduler.js";
import { scheduleOfTrigger } from "../jobs/trigger-schedule.js";
import type { Actor } from "../models/actor.js";
import type { GapChoice } from "../models/batch.js";
import { ancestors, withdrawn } from "../models/chain.js";
import { lastOccurrence } from "../models/last-occurrence.js";
import { gapOccurrences } from "./gap.js";

interface Collaborators {
  queue: Queue;
  scheduler: Scheduler;
  clock: Clock;
}

/** Which occurrences of the pause run after all, and in whose name. */
export interface GapOrder {
  choice: GapChoice;
  actor: Actor;
}

/** More occurrences of a gap than this are not made up for in one go. */
const MAX_MADE_UP = 1000;

export class Enablement {
  constructor(private readonly with_: Collaborators) {}

  /**
   * Brings `enabled` of every batch in line with who is disabled and what comes after whom, and the plan with that.
   * On a server it locks all batches: two changes of the graph at once must not each miss the other.
   *
   * @param gap what to do with the occurrences of the pause of what comes back
   */
  async settle(transaction: Transaction, gap?: GapOrder): Promise<void> {
    const { manager } = transaction;
    const select = { id: true, disabledAt: true, enabled: true, revision: true } as const;
    const batches = await manager.find(Batch, { select, ...lockedForUpdate(manager) });
    const disabled = batches.filter((batch) => batch.disabledAt !== null).map((batch) => batch.id);
    const out = withdrawn(disabled, await manager.find(Link));
    const changed = batches.filter((batch) => batch.enabled === out.has(batch.id));
    if (changed.length === 0) return;
    const updatedAt = this.with_.clock.now();
    for (const { id, enabled, revision } of changed) {
      await manager.update(Batch, { id }, { enabled: !enabled, revision: revision + 1, updatedAt });
    }
    const triggers = await scheduledTriggers(
      manager,
      changed.map(({ id }) => id),
    );
    const gone = triggers.filter(({ batchId }) => out.has(batchId));
    const back = triggers.filter(({ batchId, enabled }) => enabled && !out.has(batchId));
    await this.with_.scheduler.disarm(
      transaction,
      gone.map(({ id }) => id),
    );
    await this.dismissQueued(
      transaction,
      changed.map(({ id }) => id).filter((id) => out.has(id)),
    );
    if (gap) await this.makeUp(transaction, back, gap);
    // A single instant that has passed meanwhile stays unplanned: there is nothing left to enable.
    await this.with_.scheduler.arm(transaction, back, { orNever: true });
  }

  /** @throws AppError `conflict` if a batch before this one is disabled */
  async refuseBehindDisabled({ manager }: Transaction, batch: Batch): Promise<void> {
    const before = ancestors(batch.id, await manager.find(Link));
    const disabled = (await manager.findBy(Batch, { id: In([...before]) })).find((one) => one.disabledAt !== null);
    if (!disabled) return;
    const message = `"${batch.name}" comes after "${disabled.name}", which is disabled; enable that one first.`;
    throw new AppError("conflict", message, { reason: "predecessor_disabled" });
  }

  /** What was planned, or due in a chain, and has not started does not start any more; what a person asked for does. */
  private async dismissQueued(transaction: Transaction, batchIds: number[]): Promise<void> {
    const verdict: Verdict = {
      status: "skipped",
      reason: { code: "disabled", text: "It, or a batch before it, was disabled before it could start." },
    };
    for (const row of await neverStarted(transaction.manager, batchIds)) {
      await this.with_.queue.dismiss(transaction, row, verdict);
    }
  }

  private async makeUp(transaction: Transaction, triggers: BatchTrigger[], { choice, actor }: GapOrder): Promise<void> {
    if (choice === "none") return;
    const batches = await selectByIds(transaction.manager, Batch, [...new Set(triggers.map((one) => one.batchId))]);
    const demands: Demand[] = [];
    for (const trigger of triggers) {
      const batch = batches.find(({ id }) => id === trigger.batchId);
      if (!batch) continue;
      for (const at of this.missedBy(trigger, choice)) {
        // In line behind each other, whatever the overlap policy: they were asked for one by one.
        demands.push({ ...occurrenceDemand(batch, trigger, { at, fate: "catch_up" }), actor });
      }
    }
    await this.with_.queue.enqueue(transaction, demands);
  }

  private missedBy(trigger: Trigger, choice: "last" | "all"): number[] {
    const now = this.with_.clock.now();
    if (choice === "last") {
      const last = trigger.gapFrom && lastOccurrence(scheduleOfTrigger(trigger), now, trigger.gapFrom);
      return last ? [last] : [];
    }
    const { instants, more } = gapOccurrences(trigger, now, MAX_MADE_UP);
    if (!more) return instants;
    const message = `The pause has more than ${MAX_MADE_UP} occurrences, too many to make up for; take "last" or "none".`;
    throw new AppError("conflict", message, { reason: "gap_too_large" });
  }
}

function neverStarted(manager: EntityManager, batchIds: number[]): Promise<Execution[]> {
  if (batchIds.length === 0) return Promise.resolve([]);
  return manager.findBy(Execution, {
    batchId: In(batchIds),
    status: In(["queued", "waiting"]),
    source: In(["schedule", "chain"]),
    attempt: 0,
  });
}
