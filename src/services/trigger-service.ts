// Triggers, for whoever asks: made, read, edited and deleted; the plan follows each change at once.
import type { EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { insertRows, updateRows } from "../database/plain.js";
import type { Transaction } from "../database/transaction.js";
import { pageOfTriggers } from "../database/trigger-queries.js";
import { Batch } from "../entities/batch.js";
import { Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import type { SchemaChecker } from "../handlers/json-schema/schema-checker.js";
import type { Scheduler } from "../jobs/scheduler.js";
import { aboutTrigger } from "../jobs/trigger-events.js";
import { scheduleOfTrigger } from "../jobs/trigger-schedule.js";
import type { Actor } from "../models/actor.js";
import type { EventKind } from "../models/event.js";
import { sameJson } from "../models/merge-patch.js";
import type { Schedule } from "../models/schedule.js";
import type { TriggerDocument, TriggerFilter } from "../models/trigger.js";
import { upcomingOf } from "./batch-details.js";
import type { Conclude } from "./idempotency-service.js";
import { refuseUnknownVersion } from "./link-pinning.js";
import { namedBatch, refuseStale } from "./named-batch.js";
import { triggerById, triggerEtag } from "./named-trigger.js";
import { newTrigger } from "./new-trigger.js";
import type { Replanning } from "./replanning.js";
import {
  columnsOf,
  documentOf,
  patchedDocument,
  refuseBadSchema,
  refuseBadTimes,
  type DocumentRules,
} from "./trigger-document.js";

interface Collaborators {
  database: Database;
  scheduler: Scheduler;
  replanning: Replanning;
  schemas: SchemaChecker;
  events: EventLog;
  clock: Clock;
  /** The shortest time between two planned runs. */
  minIntervalMs: number;
}

/** A trigger with what is shown of it. */
export interface TriggerDetails {
  trigger: Trigger;
  /** Null: it waits to be fired. */
  schedule: Schedule | null;
  /** The next planned instants, in ms since 1970. */
  nextRuns: number[];
}

/** How a trigger is to become another one. */
export interface TriggerEdit {
  /** The whole new document, or a merge patch (RFC 7396) of the present one. */
  change: { document: TriggerDocument } | { patch: unknown };
  /** The header If-Match. */
  ifMatch: string | undefined;
  actor: Actor;
}

export class TriggerService {
  constructor(private readonly with_: Collaborators) {}

  async get(id: number): Promise<TriggerDetails> {
    return this.details(await this.with_.database.read((manager) => triggerById(manager, id)));
  }

  /** One more than the limit, newest first, where there are as many. */
  async list(filter: TriggerFilter): Promise<TriggerDetails[]> {
    const triggers = await this.with_.database.read(async (manager) => {
      const batchId = filter.batch === undefined ? undefined : (await namedBatch(manager, filter.batch)).id;
      return pageOfTriggers(manager, { ...filter, batchId });
    });
    return triggers.map((trigger) => this.details(trigger));
  }

  /** @throws AppError `invalid` with every fault, `not_found` if there is no such batch or version */
  async create(
    document: TriggerDocument,
    { actor, conclude }: { actor: Actor; conclude: Conclude<TriggerDetails> },
  ): Promise<TriggerDetails> {
    refuseBadTimes(document, this.rules());
    await refuseBadSchema(document, this.with_.schemas);
    return this.with_.database.write(async (transaction) => {
      const batch = await batchOf(transaction.manager, document);
      const place = { batchId: batch?.id ?? null, createdAt: this.with_.clock.now(), createdBy: actor };
      const trigger = newTrigger({ ...columnsOf(document), ...place, ofConfig: false });
      await insertRows(transaction.manager, Trigger, [trigger]);
      if (trigger.kind !== "api") await this.with_.replanning.plan(transaction, batch, trigger);
      await this.tell(transaction, "trigger.created", trigger, actor);
      const details = this.details(await triggerById(transaction.manager, trigger.id));
      await conclude(transaction, details);
      return details;
    });
  }

  /**
   * Edits a trigger. What fell due of it by now leaves its row or event first; from then on the new plan counts.
   *
   * @throws AppError as `create` does, `precondition_failed` if it has changed since it was read, `conflict` if it is what a
   * batch's config makes of it, or would become another kind
   */
  async edit(id: number, edit: TriggerEdit): Promise<TriggerDetails> {
    for (;;) {
      const seen = await this.with_.database.read((manager) => triggerById(manager, id));
      refuseStale(triggerEtag(seen), edit.ifMatch);
      const document = await this.edited(seen, edit);
      const done = await this.with_.database.write((transaction) => this.put(transaction, seen, document, edit.actor));
      if (done) return done;
    }
  }

  /** Takes a trigger out of the plan, for good. @throws AppError `conflict` if a batch's config makes it */
  async remove(id: number, { ifMatch, actor }: { ifMatch: string | undefined; actor: Actor }): Promise<void> {
    await this.with_.database.write(async (transaction) => {
      const trigger = await triggerById(transaction.manager, id, { lock: true });
      refuseStale(triggerEtag(trigger), ifMatch);
      if (trigger.ofConfig) throw belongsToConfig(trigger);
      await this.with_.scheduler.disarm(transaction, [id]);
      await transaction.manager.delete(Trigger, { id });
      await this.tell(transaction, "trigger.deleted", trigger, actor);
    });
  }

  /** The document that it is to become, checked as far as that goes without the database's lock. */
  private async edited(trigger: Trigger, { change }: TriggerEdit): Promise<TriggerDocument> {
    const name = await this.with_.database.read(async (manager) => {
      const batch = trigger.batchId === null ? null : await manager.findOneBy(Batch, { id: trigger.batchId });
      return batch?.name ?? "";
    });
    const before = documentOf(trigger, name);
    const document = "document" in change ? change.document : patchedDocument(before, change.patch);
    refuseBadTimes(document, this.rules(), before);
    if (document.kind !== trigger.kind) {
      const message = `Trigger ${trigger.id} is of kind ${trigger.kind}, and stays so; make another trigger of kind ${document.kind}.`;
      throw new AppError("conflict", message, { reason: "other_kind" });
    }
    if (!sameJson(document.schema, before.schema)) await refuseBadSchema(document, this.with_.schemas);
    return document;
  }

  /** Null if it was changed after it had been seen. */
  private async put(transaction: Transaction, seen: Trigger, document: TriggerDocument, actor: Actor) {
    const { manager } = transaction;
    const { clock, replanning, scheduler } = this.with_;
    const { id } = seen;
    const before = await triggerById(manager, id, { lock: true });
    if (before.revision !== seen.revision) return null;
    const batch = await batchOf(manager, document);
    const columns = { ...columnsOf(document), batchId: batch?.id ?? null };
    const name = before.name === null && columns.name === batch?.name ? null : columns.name;
    const trigger = Object.assign(new Trigger(), before, columns, { name });
    const changed = CHANGEABLE.filter((key) => !sameJson(trigger[key] ?? null, before[key] ?? null));
    if (changed.length === 0) return this.details(before);
    if (before.ofConfig && changed.some((key) => !OWN.includes(key))) throw belongsToConfig(before);
    const isReplanned = trigger.kind !== "api" && changed.some((key) => REPLANNING.includes(key));
    if (isReplanned) await (trigger.enabled ? scheduler.catchUp(transaction, id) : scheduler.disarm(transaction, [id]));
    const edit = { ...columns, name, revision: before.revision + 1, updatedAt: clock.now() };
    // Nothing to edit any more: it was a test, and what had fallen due was its firing.
    if ((await updateRows(manager, Trigger, edit, "id = ?", [id])) === 0) return null;
    if (isReplanned) await replanning.plan(transaction, batch, trigger);
    await this.tell(transaction, "trigger.edited", trigger, actor, { changed });
    return this.details(await triggerById(manager, id));
  }

  private tell(
    transaction: Transaction,
    kind: EventKind,
    trigger: Trigger,
    actor: Actor,
    payload = {},
  ): Promise<unknown> {
    const told = { kind: trigger.kind, ...payload };
    return this.with_.events.append(transaction, {
      kind,
      ...aboutTrigger(trigger),
      source: "api",
      actor,
      payload: told,
    });
  }

  private details(trigger: Trigger): TriggerDetails {
    const schedule = trigger.kind === "api" ? null : scheduleOfTrigger(trigger);
    return { trigger, schedule, nextRuns: upcomingOf(trigger, this.with_.clock.now()) };
  }

  private rules(): DocumentRules {
    return { now: this.with_.clock.now(), minIntervalMs: this.with_.minIntervalMs };
  }
}

/** The columns that an edit may change. */
const CHANGEABLE = [
  ...(["name", "description", "batchId", "expression", "onceAt", "timeZone", "dst"] as const),
  ...(["payloadSchema", "enabled", "test", "version"] as const),
];
/** Those of them that are a trigger's own where all else is its batch's config. */
const OWN: readonly string[] = ["name", "description", "enabled", "version"];
/** Those that move it in the plan. */
const REPLANNING: readonly string[] = ["batchId", "expression", "onceAt", "timeZone", "dst", "enabled"];

function belongsToConfig({ id, batchId }: Trigger): AppError {
  const message = `Trigger ${id} is the schedule in its batch's config: change it there (PATCH /api/v1/batches/${batchId ?? 0}).`;
  return new AppError("conflict", message, { reason: "belongs_to_config" });
}

/** The batch that the document names; null if it names none. @throws AppError `not_found` */
async function batchOf(manager: EntityManager, { batch, version }: TriggerDocument): Promise<Batch | null> {
  if (batch === null) return null;
  const found = await namedBatch(manager, batch);
  await refuseUnknownVersion(manager, found, version);
  return found;
}
