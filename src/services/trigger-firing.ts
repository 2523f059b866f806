// Firing a trigger on demand: its payload is checked, and what it starts is in the ledger when it is answered.
import type { EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { updateRows } from "../database/plain.js";
import { isCrowded } from "../database/queue-queries.js";
import { firingEventId } from "../database/trigger-queries.js";
import type { Transaction } from "../database/transaction.js";
import { Batch } from "../entities/batch.js";
import type { Execution } from "../entities/execution.js";
import { Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import type { SchemaChecker } from "../handlers/json-schema/schema-checker.js";
import type { EventFeed } from "../jobs/event-feed.js";
import { removeServed } from "../jobs/falling-due.js";
import type { Queue } from "../jobs/queue.js";
import { firedEvent } from "../jobs/trigger-events.js";
import type { Actor } from "../models/actor.js";
import { schemaRefusal } from "../models/json-schema.js";
import type { FireRequest } from "../models/trigger.js";
import type { Conclude } from "./idempotency-service.js";
import { triggerById } from "./named-trigger.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  schemas: SchemaChecker;
  feed: Pick<EventFeed, "ended">;
  events: EventLog;
  clock: Clock;
  /** How many executions may wait in the queue before firings are refused. */
  maxQueued: number;
}

/** What a firing has brought about. */
export interface Firing {
  eventId: number;
  /** Null: it runs no batch. */
  execution: Execution | null;
}

interface Asking {
  actor: Actor;
  conclude: Conclude<Firing>;
}

/** So many firings are worked on at once in this process; each holds its payload in memory. */
const MAX_UNDER_WAY = 1000;
/** What may change for the better within a second or so. */
const SHORTLY = { reason: "too_busy", retryAfter: 1 };
const FULL = { reason: "queue_full", retryAfter: 10 };

export class TriggerFiring {
  private underWay = 0;

  constructor(private readonly with_: Collaborators) {}

  /**
   * Fires a trigger: the event and, if it runs a batch, the execution are durable when this returns.
   *
   * @throws AppError `invalid` if the payload does not fit the trigger's schema, `unprocessable` if it takes too long to be
   * held against that, `conflict` if it may not fire,
   * `too_many_requests` if too much waits already: then nothing is left behind
   */
  async fire(id: number, request: FireRequest, asking: Asking): Promise<Firing> {
    if (this.underWay >= MAX_UNDER_WAY) throw new AppError("too_many_requests", "Too many firings at once.", SHORTLY);
    this.underWay++;
    try {
      return await this.fireChecked(id, request, asking);
    } finally {
      this.underWay--;
    }
  }

  /** Waits for the end of what a firing has started, but no longer than `patienceMs`, or until `gone` is aborted. */
  async awaitEnd({ id }: Execution, patienceMs: number, gone: AbortSignal): Promise<void> {
    await this.with_.feed.ended(id, AbortSignal.any([gone, AbortSignal.timeout(patienceMs)]));
  }

  private async fireChecked(id: number, { payload }: FireRequest, asking: Asking): Promise<Firing> {
    for (;;) {
      const { database } = this.with_;
      const seen = await database.read((manager) => triggerById(manager, id));
      refuseOtherKinds(seen);
      await this.refuseUnfit(seen, payload);
      const firing = await database.write((transaction) => this.fireIn(transaction, seen, payload, asking));
      // Edited meanwhile: what was checked may not be what counts now.
      if (firing) return firing;
    }
  }

  private async refuseUnfit({ id, payloadSchema }: Trigger, payload: unknown): Promise<void> {
    if (payloadSchema === null) return;
    const faults = await this.with_.schemas.validate(payloadSchema, payload ?? null);
    if (faults.length === 0) return;
    throw schemaRefusal(`The payload does not fit the schema of trigger ${id}`, "/payload", faults);
  }

  /** Null if it is not the trigger any more that was seen. */
  private async fireIn(transaction: Transaction, seen: Trigger, payload: unknown, { actor, conclude }: Asking) {
    const { manager } = transaction;
    const trigger = await triggerById(manager, seen.id, { lock: true });
    if (trigger.revision !== seen.revision) return null;
    const text = payload === undefined ? undefined : JSON.stringify(payload);
    const execution = await this.enqueue(transaction, trigger, text, actor);
    const eventId = execution
      ? await firingEventId(manager, execution.id)
      : await this.tell(transaction, trigger, payload, actor);
    await updateRows(manager, Trigger, { lastFiredAt: this.with_.clock.now() }, "id = ?", [trigger.id]);
    if (trigger.test) await removeServed(transaction, [trigger], this.with_.events);
    const firing = { eventId, execution };
    await conclude(transaction, firing);
    return firing;
  }

  private async enqueue(transaction: Transaction, trigger: Trigger, payload: string | undefined, actor: Actor) {
    const { manager } = transaction;
    const batch = await batchToRun(manager, trigger);
    if (!batch) return null;
    if (await isCrowded(manager, this.with_.maxQueued)) {
      const message = `${this.with_.maxQueued} executions wait already, which is the most that is allowed here (MAX_QUEUED). Fire again later.`;
      throw new AppError("too_many_requests", message, FULL);
    }
    const { id: triggerId, kind: triggerKind, name: triggerName, version, test } = trigger;
    const occurrence = { triggerId, triggerKind, triggerName, scheduledAt: null };
    const [execution] = await this.with_.queue.enqueue(transaction, [
      { batch, version, source: "api", actor, occurrence, test, chain: "start", payload },
    ]);
    if (!execution) throw new AppError("internal", "No execution was made.");
    if (execution.reasonCode !== "queue_full") return execution;
    const message = `${execution.reasonText ?? "Too many wait."} Fire again later.`;
    throw new AppError("too_many_requests", message, FULL);
  }

  private async tell(transaction: Transaction, trigger: Trigger, payload: unknown, actor: Actor): Promise<number> {
    const event = firedEvent(trigger, { source: "api", actor, scheduledAt: null, payload });
    const [id = 0] = await this.with_.events.append(transaction, event);
    return id;
  }
}

function refuseOtherKinds({ id, kind, batchId }: Trigger): void {
  if (kind === "api") return;
  const instead = batchId === null ? "" : ` To run its batch now: POST /api/v1/batches/${batchId}/run.`;
  const message = `Trigger ${id} is of kind ${kind}: it fires by its schedule.${instead}`;
  throw new AppError("conflict", message, { reason: "other_kind" });
}

/** The batch that a firing runs; null if the trigger runs none. @throws AppError `conflict` if one of the two is disabled */
async function batchToRun(manager: EntityManager, { id, batchId, enabled }: Trigger): Promise<Batch | null> {
  if (!enabled) {
    throw new AppError("conflict", `Trigger ${id} is disabled: enable it before it is fired.`, { reason: "disabled" });
  }
  if (batchId === null) return null;
  const batch = await manager.findOneByOrFail(Batch, { id: batchId });
  if (batch.enabled) return batch;
  const message = `The batch "${batch.name}", or one before it, is disabled: enable it before trigger ${id} is fired.`;
  throw new AppError("conflict", message, { reason: "disabled" });
}
