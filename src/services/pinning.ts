// Pins: a trigger, or a link, that starts one version of a batch whichever is active.
import { Not, type EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { lockedForUpdate } from "../database/locks.js";
import type { Transaction } from "../database/transaction.js";
import { Artifact } from "../entities/artifact.js";
import { Batch } from "../entities/batch.js";
import { Link } from "../entities/link.js";
import { isOfBatch, Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { EventLog } from "../handlers/event-log.js";
import type { Actor } from "../models/actor.js";
import { refuseStale } from "./named-batch.js";

/** What to pin to, and who asks. */
export interface Pin {
  /** Null: to whichever is active. */
  version: number | null;
  /** The header If-Match. */
  ifMatch: string | undefined;
  actor: Actor;
}

/** The entity tag of what can be pinned. */
export function pinEtag({ id, version }: { id: number; version: number | null }): string {
  return `"${id}-${version ?? "active"}"`;
}

export class Pinning {
  constructor(private readonly with_: { database: Database; events: EventLog }) {}

  getTrigger(id: number): Promise<Trigger> {
    return this.with_.database.read((manager) => triggerOf(manager, id));
  }

  getLink(id: number): Promise<Link> {
    return this.with_.database.read((manager) => linkOf(manager, id));
  }

  /** @throws AppError `not_found` if there is no such trigger or version, `precondition_failed` */
  pinTrigger(id: number, pin: Pin): Promise<Trigger> {
    return this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      const trigger = await triggerOf(manager, id, { lock: true });
      refuseStale(pinEtag(trigger), pin.ifMatch);
      if (!isOfBatch(trigger)) throw new AppError("conflict", `Trigger ${id} runs no batch.`, { reason: "no_batch" });
      await this.settle(transaction, trigger.batchId, pin, "trigger");
      await manager.update(Trigger, { id }, { version: pin.version });
      return Object.assign(trigger, { version: pin.version });
    });
  }

  /** @throws AppError as for a trigger, and `conflict` if another link to the same batch is pinned to another version */
  pinLink(id: number, pin: Pin): Promise<Link> {
    return this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      const link = await linkOf(manager, id, { lock: true });
      refuseStale(pinEtag(link), pin.ifMatch);
      await this.settle(transaction, link.successorId, pin, "link");
      const others = await manager.findBy(Link, { successorId: link.successorId, id: Not(id) });
      const other = others.find(({ version }) => version !== null && pin.version !== null && version !== pin.version);
      if (other) {
        const message = `Link ${other.id} starts version ${other.version ?? 0} of the same batch: where several links join they must name the same one.`;
        throw new AppError("conflict", message, { reason: "pins_differ" });
      }
      await manager.update(Link, { id }, { version: pin.version });
      return Object.assign(link, { version: pin.version });
    });
  }

  /** Makes sure that there is such a version, and reports what becomes of it. */
  private async settle(transaction: Transaction, batchId: number, { version, actor }: Pin, what: "trigger" | "link") {
    const { manager } = transaction;
    const batch = await manager.findOneByOrFail(Batch, { id: batchId });
    if (version !== null && !(await manager.existsBy(Artifact, { batchId, version }))) {
      const message = `"${batch.name}" has no version ${version} to pin to.`;
      throw new AppError("not_found", message, { reason: "no_such_version" });
    }
    const subject = { type: "batch" as const, id: batchId, name: batch.name };
    const payload = { pinned: what, version };
    await this.with_.events.append(transaction, { kind: "batch.edited", subject, source: "api", actor, payload });
  }
}

async function triggerOf(manager: EntityManager, id: number, { lock = false } = {}): Promise<Trigger> {
  const trigger = await manager.findOne(Trigger, { where: { id }, ...(lock ? lockedForUpdate(manager) : {}) });
  if (trigger) return trigger;
  throw new AppError("not_found", `There is no trigger ${id}.`);
}

async function linkOf(manager: EntityManager, id: number, { lock = false } = {}): Promise<Link> {
  const link = await manager.findOne(Link, { where: { id }, ...(lock ? lockedForUpdate(manager) : {}) });
  if (link) return link;
  throw new AppError("not_found", `There is no link ${id}.`);
}
