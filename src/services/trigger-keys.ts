// The keys of api triggers: a token of its own, and secrets that firings are signed with. Each is shown once.
import { randomBytes } from "node:crypto";
import type { Database } from "../database/database.js";
import { updateRows } from "../database/plain.js";
import type { Transaction } from "../database/transaction.js";
import { Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import type { SecretBox } from "../handlers/secret-box.js";
import { hashToken, makeToken, tokenPrefix } from "../handlers/tokens.js";
import { aboutTrigger } from "../jobs/trigger-events.js";
import type { Actor } from "../models/actor.js";
import { MAX_SECRETS } from "../models/trigger.js";
import { triggerById } from "./named-trigger.js";

interface Collaborators {
  database: Database;
  events: EventLog;
  secretBox: SecretBox;
  clock: Clock;
}

/** What a sealed secret belongs to. */
export function secretPlace(triggerId: number, secretId: number): string {
  return `trigger ${triggerId} secret ${secretId}`;
}

export class TriggerKeys {
  constructor(private readonly with_: Collaborators) {}

  /** Gives a trigger a token of its own; the one before it is worth nothing from then on. */
  makeToken(id: number, actor: Actor): Promise<{ token: string; prefix: string }> {
    return this.change(id, actor, (trigger) => {
      const token = makeToken("bt", id);
      const prefix = tokenPrefix(token);
      const kept = { tokenHash: hashToken(token), tokenPrefix: prefix };
      const told = { made: prefix, ...(trigger.tokenPrefix === null ? {} : { revoked: trigger.tokenPrefix }) };
      return { columns: kept, kind: "token.made", told, result: { token, prefix } };
    });
  }

  /** @throws AppError `not_found` if it has none */
  revokeToken(id: number, actor: Actor): Promise<void> {
    return this.change(id, actor, ({ tokenPrefix: prefix }) => {
      if (prefix === null) throw new AppError("not_found", `Trigger ${id} has no token of its own.`);
      const none = { tokenHash: null, tokenPrefix: null };
      return { columns: none, kind: "token.revoked", told: { revoked: prefix }, result: undefined };
    });
  }

  /** Gives a trigger another secret. @throws AppError `conflict` if it has as many as may live at once */
  addSecret(id: number, actor: Actor): Promise<{ id: number; secret: string }> {
    return this.change(id, actor, ({ secrets, revision }) => {
      const live = secrets ?? [];
      if (live.length >= MAX_SECRETS) {
        const message = `Trigger ${id} has ${MAX_SECRETS} secrets: take away the older one (DELETE /api/v1/triggers/${id}/secrets/${live[0]?.id ?? 0}) before another one is made.`;
        throw new AppError("conflict", message, { reason: "too_many_secrets" });
      }
      // Grows with every change of the keys, so that no number is given twice.
      const secretId = revision;
      const secret = `bs_${randomBytes(32).toString("base64url")}`;
      const sealed = this.with_.secretBox.seal(secret, secretPlace(id, secretId));
      const kept = { id: secretId, sealed, createdAt: this.with_.clock.now() };
      const told = { made: `secret ${secretId}` };
      return { columns: { secrets: [...live, kept] }, kind: "token.made", told, result: { id: secretId, secret } };
    });
  }

  /** @throws AppError `not_found` if it has no such secret */
  removeSecret(id: number, secretId: number, actor: Actor): Promise<void> {
    return this.change(id, actor, ({ secrets }) => {
      const left = (secrets ?? []).filter((secret) => secret.id !== secretId);
      if (left.length === (secrets ?? []).length)
        throw new AppError("not_found", `Trigger ${id} has no secret ${secretId}.`);
      const told = { revoked: `secret ${secretId}` };
      return { columns: { secrets: left.length > 0 ? left : null }, kind: "token.revoked", told, result: undefined };
    });
  }

  private change<T>(id: number, actor: Actor, decide: (trigger: Trigger) => Change<T>): Promise<T> {
    return this.with_.database.write(async (transaction) => {
      const trigger = await triggerById(transaction.manager, id, { lock: true });
      if (trigger.kind !== "api") {
        const message = `Trigger ${id} is of kind ${trigger.kind}: only one of kind api is fired from outside.`;
        throw new AppError("conflict", message, { reason: "other_kind" });
      }
      const { columns, kind, told, result } = decide(trigger);
      const edit = { ...columns, revision: trigger.revision + 1, updatedAt: this.with_.clock.now() };
      await updateRows(transaction.manager, Trigger, edit, "id = ?", [id]);
      await this.tell(transaction, trigger, { kind, actor, told });
      return result;
    });
  }

  private tell(
    transaction: Transaction,
    trigger: Trigger,
    { kind, actor, told: payload }: Pick<Change<unknown>, "kind" | "told"> & { actor: Actor },
  ): Promise<unknown> {
    return this.with_.events.append(transaction, { kind, ...aboutTrigger(trigger), source: "api", actor, payload });
  }
}

interface Change<T> {
  columns: Partial<Trigger>;
  kind: "token.made" | "token.revoked";
  /** What the event says of it: never the key itself. */
  told: Record<string, string>;
  result: T;
}
