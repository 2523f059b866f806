// Pins of links: a link that starts one version of a batch, whichever is active.
import { Not, type EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { lockedForUpdate } from "../database/locks.js";
import { Artifact } from "../entities/artifact.js";
import { Batch } from "../entities/batch.js";
import { Link } from "../entities/link.js";
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

/** The entity tag of a link. */
export function linkEtag({ id, version }: Pick<Link, "id" | "version">): string {
  return `"${id}-${version ?? "active"}"`;
}

export class LinkPinning {
  constructor(private readonly with_: { database: Database; events: EventLog }) {}

  get(id: number): Promise<Link> {
    return this.with_.database.read((manager) => linkOf(manager, id));
  }

  /**
   * @throws AppError `not_found` if there is no such link or version, `precondition_failed`, and `conflict` if another link
   * to the same batch is pinned to another version
   */
  pin(id: number, { version, ifMatch, actor }: Pin): Promise<Link> {
    return this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      const link = await linkOf(manager, id, { lock: true });
      refuseStale(linkEtag(link), ifMatch);
      const batch = await manager.findOneByOrFail(Batch, { id: link.successorId });
      await refuseUnknownVersion(manager, batch, version);
      await refuseOtherPins(manager, link, version);
      await manager.update(Link, { id }, { version });
      const subject = { type: "batch" as const, id: batch.id, name: batch.name };
      const payload = { pinned: "link", version };
      await this.with_.events.append(transaction, { kind: "batch.edited", subject, source: "api", actor, payload });
      return Object.assign(link, { version });
    });
  }
}

/** @throws AppError `not_found` if the batch has no such version; null is any */
export async function refuseUnknownVersion(
  manager: EntityManager,
  batch: Pick<Batch, "id" | "name">,
  version: number | null,
): Promise<void> {
  if (version === null || (await manager.existsBy(Artifact, { batchId: batch.id, version }))) return;
  const message = `"${batch.name}" has no version ${version} to pin to.`;
  throw new AppError("not_found", message, { reason: "no_such_version" });
}

async function refuseOtherPins(manager: EntityManager, { id, successorId }: Link, version: number | null) {
  const others = await manager.findBy(Link, { successorId, id: Not(id) });
  const other = others.find((one) => one.version !== null && version !== null && one.version !== version);
  if (!other) return;
  const message = `Link ${other.id} starts version ${other.version ?? 0} of the same batch: where several links join they must name the same one.`;
  throw new AppError("conflict", message, { reason: "pins_differ" });
}

async function linkOf(manager: EntityManager, id: number, { lock = false } = {}): Promise<Link> {
  const link = await manager.findOne(Link, { where: { id }, ...(lock ? lockedForUpdate(manager) : {}) });
  if (link) return link;
  throw new AppError("not_found", `There is no link ${id}.`);
}
