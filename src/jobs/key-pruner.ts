// The pruner of idempotency keys: those that have served their time are deleted, a portion at a time.
import { LessThanOrEqual } from "typeorm";
import type { Database } from "../database/database.js";
import { IdempotencyKey } from "../entities/idempotency-key.js";
import type { Clock } from "../handlers/clock.js";
import { KEY_LIFETIME_MS } from "../models/idempotency.js";

const EVERY_MS = 60_000;
const PORTION = 500;

export class KeyPruner {
  private lookedAt = -Infinity;

  constructor(private readonly with_: { database: Database; clock: Clock }) {}

  /** To be called often; looks once a minute. */
  async look(): Promise<void> {
    const { clock, database } = this.with_;
    const now = clock.now();
    if (Math.abs(now - this.lookedAt) < EVERY_MS) return;
    this.lookedAt = now;
    const where = { createdAt: LessThanOrEqual(now - KEY_LIFETIME_MS) };
    for (;;) {
      const old = await database.read((manager) =>
        manager.find(IdempotencyKey, { select: { id: true }, where, take: PORTION }),
      );
      if (old.length === 0) return;
      await database.write(({ manager }) =>
        manager.delete(
          IdempotencyKey,
          old.map(({ id }) => id),
        ),
      );
    }
  }
}
