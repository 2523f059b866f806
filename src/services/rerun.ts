// Reruns: an execution once more, as it was then or with what is in use now.
import type { Database } from "../database/database.js";
import type { Transaction } from "../database/transaction.js";
import { Batch } from "../entities/batch.js";
import { ConfigRevision } from "../entities/config-revision.js";
import { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import type { Queue } from "../jobs/queue.js";
import type { Actor } from "../models/actor.js";
import type { RerunRequest } from "../models/execution.js";
import { sameJson } from "../models/merge-patch.js";
import { isFinal } from "../models/status.js";
import type { Conclude } from "./idempotency-service.js";

interface Asking {
  actor: Actor;
  conclude: Conclude<Execution>;
}

export class Rerun {
  constructor(private readonly with_: { database: Database; queue: Queue }) {}

  /**
   * Demands an execution that repeats another one: with its arguments, its payload, its inputs and the instant it was told.
   * The overlap policy applies as to any run.
   *
   * @throws AppError `not_found` if there is no such execution, or its batch is gone; `conflict` if it has not ended
   */
  async rerun(id: number, request: RerunRequest, { actor, conclude }: Asking): Promise<Execution> {
    return this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      const row = await manager.findOneBy(Execution, { id });
      if (!row) throw new AppError("not_found", `There is no execution ${id}.`);
      if (!isFinal(row.status)) {
        const message = `Execution ${id} has not ended: it is ${row.status}. Wait for its end, or cancel it first.`;
        throw new AppError("conflict", message, { reason: "not_ended" });
      }
      const batch = await manager.findOneBy(Batch, { id: row.batchId });
      if (!batch) throw new AppError("not_found", `The batch "${row.batchName}" of execution ${id} was deleted.`);
      const isLatest = request.version === "latest";
      const [execution] = await this.with_.queue.enqueue(transaction, [
        {
          batch,
          source: actor.kind === "user" ? "person" : "api",
          actor,
          version: isLatest ? null : row.version,
          rerun: {
            of: id,
            configRevision: isLatest ? null : row.configRevision,
            nominalAt: row.nominalAt ?? row.scheduledAt,
          },
          args: isLatest ? await givenArgs(transaction, row) : row.args,
          payload: row.payload ?? undefined,
          inputs: row.inputs,
          ...(request.successors ? { chain: "start" as const } : {}),
        },
      ]);
      if (!execution) throw new AppError("internal", "No execution was made.");
      await conclude(transaction, execution);
      return execution;
    });
  }
}

/** The arguments that somebody gave for this very run; undefined if they were the config's. */
async function givenArgs({ manager }: Transaction, row: Execution): Promise<string[] | undefined> {
  const { batchId, configRevision: number } = row;
  const revision = number === null ? null : await manager.findOneBy(ConfigRevision, { batchId, number });
  return revision && sameJson(revision.config.args, row.args) ? undefined : row.args;
}
