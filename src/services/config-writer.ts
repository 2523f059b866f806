// The one writer of batch configs: every change of one is a new config revision, and the batch carries a copy of it.
import type { Transaction } from "../database/transaction.js";
import { nameKeyOf } from "../database/name-key.js";
import { Batch } from "../entities/batch.js";
import { ConfigRevision } from "../entities/config-revision.js";
import type { Clock } from "../handlers/clock.js";
import type { Actor } from "../models/actor.js";
import type { BatchConfig } from "../models/batch-config.js";
import { foldName } from "../models/name.js";

/** The columns of a batch that repeat what its config says. */
export function columnsOf(
  config: BatchConfig,
): Pick<Batch, "name" | "foldedName" | "nameKey" | "description" | "config"> {
  const { name, description } = config;
  return { name, foldedName: foldName(name), nameKey: nameKeyOf(name), description, config };
}

export class ConfigWriter {
  constructor(private readonly with_: { clock: Clock }) {}

  /** Gives a batch another config. The batch's row in hand is brought up to date too. */
  async revise(transaction: Transaction, batch: Batch, config: BatchConfig, createdBy: Actor): Promise<void> {
    const { id, configRevision, revision } = batch;
    const updatedAt = this.with_.clock.now();
    const counters = { configRevision: configRevision + 1, revision: revision + 1, updatedAt };
    const columns = { ...columnsOf(config), ...counters };
    await transaction.manager.update(Batch, { id }, columns);
    Object.assign(batch, columns);
    await this.record(transaction, batch, createdBy);
  }

  /** Keeps the present config of a batch as the revision of its number: to be called for a batch that was just made. */
  async record({ manager }: Transaction, batch: Batch, createdBy: Actor): Promise<void> {
    const { id: batchId, configRevision: number, config, updatedAt: createdAt } = batch;
    await manager.insert(ConfigRevision, { batchId, number, config, createdAt, createdBy });
  }
}
