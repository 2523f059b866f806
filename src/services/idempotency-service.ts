// Repeatable answers: a request that makes something and carries a key is carried out once; the same request gets the same answer.
import { createHash } from "node:crypto";
import type { EntityManager } from "typeorm";
import { isUniqueViolation, type Database } from "../database/database.js";
import { insertRows } from "../database/plain.js";
import type { Transaction } from "../database/transaction.js";
import { IdempotencyKey } from "../entities/idempotency-key.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { Actor } from "../models/actor.js";
import { KEY_LIFETIME_MS, type StoredAnswer } from "../models/idempotency.js";

/** What happens last in the transaction that brings a result about. */
export type Conclude<T> = (transaction: Transaction, result: T) => Promise<void>;

/** A request that carries a key. */
export interface KeyedRequest {
  key: string;
  actor: Actor;
  /** All of it in pieces, in the order in which they count: method, address, body. */
  content: string[];
}

/** Visible ASCII, as header values are (RFC 9110, section 5.5). */
const KEY = /^[\x21-\x7e]{1,255}$/;

export class IdempotencyService {
  constructor(private readonly with_: { database: Database; clock: Clock }) {}

  /**
   * The answer that this request has been given before; null if it is new.
   *
   * @throws AppError `invalid` if the key is none, `conflict` if it belongs to another request
   */
  async answerTo(request: KeyedRequest): Promise<StoredAnswer | null> {
    if (!KEY.test(request.key)) {
      const message = "The header Idempotency-Key must have 1 to 255 visible characters, such as a UUID.";
      throw new AppError("invalid", message, { reason: "invalid_idempotency_key" });
    }
    const known = await this.with_.database.read((manager) => this.find(manager, request));
    if (!known) return null;
    if (known.digest === digestOf(request)) return known.answer;
    const message =
      "This Idempotency-Key was used with another request less than 24 hours ago; take a new key for a new request.";
    throw new AppError("conflict", message, { reason: "idempotency_key_reused" });
  }

  /**
   * Keeps the answer in the very transaction that brings it about: it is there exactly if its effect is, whatever crashes.
   *
   * @throws AppError `conflict` if somebody else was first; the transaction is rolled back by that
   */
  async keep({ manager }: Transaction, request: KeyedRequest, answer: StoredAnswer): Promise<void> {
    const createdAt = this.with_.clock.now();
    const keyHash = keyHashOf(request);
    const old = await manager.findOneBy(IdempotencyKey, { keyHash });
    if (old && old.createdAt <= createdAt - KEY_LIFETIME_MS) await manager.delete(IdempotencyKey, { id: old.id });
    try {
      const row = { keyHash, digest: digestOf(request), answer, createdAt };
      await insertRows(manager, IdempotencyKey, [Object.assign(new IdempotencyKey(), row)]);
    } catch (error) {
      if (isUniqueViolation(error))
        throw new AppError("conflict", "The same request was carried out at the same moment.");
      throw error;
    }
  }

  private async find(manager: EntityManager, request: KeyedRequest): Promise<IdempotencyKey | null> {
    const row = await manager.findOneBy(IdempotencyKey, { keyHash: keyHashOf(request) });
    return row && row.createdAt > this.with_.clock.now() - KEY_LIFETIME_MS ? row : null;
  }
}

/** Keys belong to who gives them: nobody learns another one's answer by guessing a key. */
function keyHashOf({ key, actor }: KeyedRequest): string {
  return hashOf([actor.kind, actor.name, key]);
}

function digestOf({ content }: KeyedRequest): string {
  return hashOf(content);
}

function hashOf(pieces: string[]): string {
  return createHash("sha256").update(JSON.stringify(pieces)).digest("hex");
}
