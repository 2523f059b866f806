// Chain runs, for whoever asks: read, cancel.
import type { Database } from "../database/database.js";
import { lockedForUpdate } from "../database/locks.js";
import type { Transaction } from "../database/transaction.js";
import { ChainRun } from "../entities/chain-run.js";
import { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { Queue } from "../jobs/queue.js";
import type { Actor } from "../models/actor.js";
import type { ChainRunStatus } from "../models/chain-run.js";
import { isFinal } from "../models/status.js";
import type { ExecutionDetails, ExecutionService } from "./execution-service.js";

interface Collaborators {
  database: Database;
  executions: ExecutionService;
  queue: Queue;
  clock: Clock;
}

export interface ChainRunDetails {
  run: ChainRun;
  status: ChainRunStatus;
  /** Oldest first. */
  executions: ExecutionDetails[];
}

export class ChainRunService {
  constructor(private readonly with_: Collaborators) {}

  async get(id: number): Promise<ChainRunDetails> {
    const { database, executions } = this.with_;
    const [run, rows] = await database.read(async (manager) => [
      (await manager.findOneBy(ChainRun, { id })) ?? noChainRun(id),
      await manager.find(Execution, { where: { chainRunId: id }, order: { id: "ASC" } }),
    ]);
    return { run, status: statusOf(run, rows), executions: await executions.withAttempts(rows) };
  }

  /**
   * Ends a whole pass: cancels what has not ended, and lets nothing of it start any more; what it would have started is
   * recorded as aborted.
   *
   * @throws AppError `conflict` if nothing of it is left to cancel
   */
  async cancel(id: number, actor: Actor): Promise<ChainRunDetails> {
    await this.with_.database.write((transaction) => this.cancelIn(transaction, id, actor));
    return this.get(id);
  }

  private async cancelIn(transaction: Transaction, id: number, actor: Actor): Promise<void> {
    const { manager } = transaction;
    const run = (await manager.findOne(ChainRun, { where: { id }, ...lockedForUpdate(manager) })) ?? noChainRun(id);
    const rows = await manager.findBy(Execution, { chainRunId: id });
    const active = rows.filter(({ status }) => !isFinal(status));
    if (active.length === 0) {
      const message = `Chain run ${id} has ended already; nothing of it is left to cancel.`;
      throw new AppError("conflict", message, { reason: "already_ended" });
    }
    // Before the executions: what follows from their ends must see it.
    if (run.cancelledAt === null) {
      await manager.update(ChainRun, { id }, { cancelledAt: this.with_.clock.now(), cancelledBy: actor });
    }
    const reason = { code: "cancelled", text: `Its chain run was cancelled by ${actor.name}.` };
    for (const row of active) await this.with_.queue.stop(transaction, row.id, { as: "cancelled", reason, actor });
  }
}

function noChainRun(id: number): never {
  throw new AppError("not_found", `There is no chain run ${id}.`);
}

function statusOf({ cancelledAt }: ChainRun, rows: Execution[]): ChainRunStatus {
  if (!rows.every(({ status }) => isFinal(status))) return "running";
  if (cancelledAt !== null) return "cancelled";
  return rows.every(({ status }) => status === "completed" || status === "warned") ? "completed" : "failed";
}
