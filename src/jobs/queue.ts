// The queue: the one writer of an execution's status. Enqueue, claim, stop, finish.
import type { EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { insertRows, updateRows } from "../database/plain.js";
import { claimableExecutions, takeNumbers } from "../database/queue-queries.js";
import type { Transaction } from "../database/transaction.js";
import { Execution } from "../entities/execution.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog, NewEvent } from "../handlers/event-log.js";
import { SYSTEM, type Actor } from "../models/actor.js";
import type { EventKind } from "../models/event.js";
import { isFinal, statusesBefore, type ExecutionStatus, type FinalStatus } from "../models/status.js";
import { activeByBatch, overlapVerdict, type Active } from "./admission.js";
import { advanceChain, startChainRuns } from "./chain.js";
import type { Demand, Reason } from "./demand.js";
import { conclude, type Ending } from "./ending.js";

interface Collaborators {
  database: Database;
  clock: Clock;
  events: EventLog;
  /** How many scripts may run at once. */
  concurrency: number;
}

/** Why and how a running execution is to be ended. */
export interface Stop {
  as: Extract<FinalStatus, "cancelled" | "timed_out">;
  reason: Reason;
  /** Who stops it. */
  actor: Actor;
}

/** Told after the commit. */
export interface QueueListener {
  /** Something may be claimed. */
  onQueued(): void;
  /** These executions are now running: somebody must run them. */
  onClaimed(executions: Execution[]): void;
  /** The script of this execution is to be ended. */
  onStopping(execution: Execution): void;
}

export class Queue {
  private listener: QueueListener | null = null;

  constructor(private readonly with_: Collaborators) {}

  listen(listener: QueueListener): void {
    this.listener = listener;
  }

  /** Makes one row of the ledger per demand, in order: queued, or final at once where a policy forbids the run. */
  enqueue = async (transaction: Transaction, demands: Demand[]): Promise<Execution[]> => {
    const { manager } = transaction;
    const numbers = await takeNumbers(
      manager,
      demands.map((demand) => demand.batch.id),
    );
    const guarded = demands.filter((demand) => !demand.verdict && demand.batch.config.overlap !== "allow");
    const active = await activeByBatch(manager, [...new Set(guarded.map((demand) => demand.batch.id))]);
    const rows: Execution[] = [];
    for (const demand of demands) {
      const row = this.newRow(demand, numbers.get(demand.batch.id)?.shift() ?? 0);
      await this.admit(transaction, demand, row, active);
      rows.push(row);
    }
    await this.joinChainRuns(transaction, demands, rows);
    await insertRows(manager, Execution, rows);
    await this.with_.events.append(transaction, ...rows.map((row) => this.event(row)));
    if (rows.some((row) => row.status === "queued")) transaction.afterCommit(() => this.listener?.onQueued());
    return rows;
  };

  /** A claimed execution whose script never began starts only now: its time counts from here. */
  async startAnew(execution: Execution): Promise<void> {
    const startedAt = this.with_.clock.now();
    await this.with_.database.write(({ manager }) =>
      this.move(manager, execution.id, "running", { startedAt }, ["running"]),
    );
    execution.startedAt = startedAt;
  }

  /** Takes as many queued executions as there are free slots, oldest first, and marks them running. */
  async claim(): Promise<void> {
    await this.with_.database.write((transaction) => this.claimIn(transaction));
  }

  private async claimIn(transaction: Transaction): Promise<void> {
    const { manager } = transaction;
    const claimed: Execution[] = [];
    for (const row of await claimableExecutions(manager, this.with_.concurrency)) {
      const start = { startedAt: this.with_.clock.now(), attempt: row.attempt + 1 };
      if (await this.move(manager, row.id, "running", start)) {
        claimed.push(Object.assign(row, start, { status: "running" as const }));
      }
    }
    await this.with_.events.append(transaction, ...claimed.map((row) => this.event(row)));
    if (claimed.length > 0) transaction.afterCommit(() => this.listener?.onClaimed(claimed));
  }

  /**
   * Ends an execution early: one that has not started is final at once, a running one becomes `stopping` and its
   * script is ended after the commit. False if it has ended already or is being stopped.
   */
  async stop(transaction: Transaction, id: number, { as, reason, actor }: Stop): Promise<boolean> {
    const { manager } = transaction;
    const words = { reasonCode: reason.code, reasonText: reason.text };
    const never =
      as === "cancelled" &&
      (await this.move(manager, id, as, { ...words, finishedAt: this.with_.clock.now() }, ["queued", "waiting"]));
    if (!never && !(await this.move(manager, id, "stopping", { ...words, stopAs: as }))) return false;
    const execution = await manager.findOneByOrFail(Execution, { id });
    await this.with_.events.append(transaction, { ...this.event(execution), actor });
    if (never) await advanceChain(transaction, execution, this.enqueue);
    else transaction.afterCommit(() => this.listener?.onStopping(execution));
    return true;
  }

  /**
   * Records how a script ended, decides about its successors, and claims what its slot is free for, all in one
   * transaction: one wait for the disk. Later reports change nothing.
   *
   * @param known the execution as it was claimed; if it has changed since, the row counts
   */
  async finish(known: Execution, ending: Ending): Promise<void> {
    await this.with_.database.write(async (transaction) => {
      const ended =
        (await this.conclude(transaction, known, ending)) ?? (await this.concludeChanged(transaction, known, ending));
      if (!ended) return;
      await this.with_.events.append(transaction, this.event(ended));
      await advanceChain(transaction, ended, this.enqueue);
      // On a server two ends at once would both count the same free slot: there the dispatcher, one at a time, claims.
      if (this.with_.database.dialect === "sqlite") await this.claimIn(transaction);
      else transaction.afterCommit(() => this.listener?.onQueued());
    });
  }

  /** Gives the ended row, or null if its status is no longer the one that `execution` says. */
  private async conclude({ manager }: Transaction, execution: Execution, ending: Ending): Promise<Execution | null> {
    const conclusion = conclude(execution, ending);
    const moved = await this.move(manager, execution.id, conclusion.status, conclusion, [execution.status]);
    return moved ? Object.assign(new Execution(), execution, conclusion) : null;
  }

  /** It was stopped meanwhile, or has ended already: then its present row decides. */
  private async concludeChanged(
    transaction: Transaction,
    { id }: Execution,
    ending: Ending,
  ): Promise<Execution | null> {
    const row = await transaction.manager.findOneBy(Execution, { id });
    return row && !isFinal(row.status) ? this.conclude(transaction, row, ending) : null;
  }

  /** The status change itself: conditional, so that of two that race exactly one changes the row. */
  private async move(
    manager: EntityManager,
    id: number,
    status: ExecutionStatus,
    fields: Partial<Execution>,
    from: ExecutionStatus[] = statusesBefore(status),
  ): Promise<boolean> {
    const condition = `id = ? AND status IN (${from.map(() => "?").join(", ")})`;
    return (await updateRows(manager, Execution, { ...fields, status }, condition, [id, ...from])) === 1;
  }

  private newRow(demand: Demand, number: number): Execution {
    const { batch, occurrence, verdict } = demand;
    const now = this.with_.clock.now();
    return Object.assign(new Execution(), {
      number,
      batchId: batch.id,
      batchName: batch.name,
      version: batch.version,
      chainRunId: null,
      triggerId: occurrence?.triggerId ?? null,
      triggerKind: occurrence?.triggerKind ?? null,
      source: demand.source,
      actor: demand.actor,
      status: verdict?.status ?? "queued",
      stopAs: null,
      reasonCode: verdict?.reason.code ?? null,
      reasonText: verdict?.reason.text ?? null,
      scheduledAt: occurrence?.scheduledAt ?? null,
      queuedAt: now,
      startedAt: null,
      finishedAt: verdict ? now : null,
      attempt: 0,
      exitCode: null,
      signal: null,
      exclusive: batch.config.overlap !== "allow",
      args: demand.args ?? batch.config.args,
      payload: demand.payload ?? null,
      inputs: demand.inputs ?? [],
      progress: null,
      results: null,
      logBytes: null,
      logTruncated: false,
      errorLogBytes: null,
      errorLogTruncated: false,
    });
  }

  /** Applies the overlap policy to a fresh row. */
  private async admit(transaction: Transaction, demand: Demand, row: Execution, active: Map<number, Active>) {
    if (demand.verdict) return;
    const others = active.get(row.batchId) ?? [];
    const { overlap } = demand.batch.config;
    const verdict = overlapVerdict(overlap, others);
    if (verdict) {
      const { status, reason } = verdict;
      Object.assign(row, { status, reasonCode: reason.code, reasonText: reason.text, finishedAt: row.queuedAt });
      return;
    }
    if (overlap === "replace") {
      const reason = {
        code: "replaced",
        text: 'A later execution of this batch took its place: overlap is "replace".',
      };
      for (const { id } of others)
        if (id !== null) await this.stop(transaction, id, { as: "cancelled", reason, actor: SYSTEM });
    }
    // The next demand of the same batch in this very call must see this one.
    active.set(row.batchId, [...others, { id: null, status: "queued" }]);
  }

  private async joinChainRuns(transaction: Transaction, demands: Demand[], rows: Execution[]): Promise<void> {
    const heads = rows.filter((row, i) => demands[i]?.chain === "start" && row.status === "queued");
    const started = await startChainRuns(
      transaction,
      heads.map((row) => row.batchId),
      this.with_.clock.now(),
    );
    rows.forEach((row, i) => {
      const chain = demands[i]?.chain;
      if (chain === "start") row.chainRunId = started.get(row.batchId) ?? null;
      else if (chain) row.chainRunId = chain.runId;
    });
  }

  private event(row: Execution): NewEvent {
    const reason = row.reasonCode === null ? {} : { reason: row.reasonCode };
    return {
      kind: eventKind(row),
      subject: { type: "execution", id: row.id, name: row.batchName },
      source: row.source,
      actor: row.actor,
      payload: { status: row.status, batchId: row.batchId, ...reason },
    };
  }
}

function eventKind({ status }: Execution): EventKind {
  if (isFinal(status)) return "execution.finished";
  if (status === "running") return "execution.started";
  return status === "stopping" ? "execution.stopping" : "execution.queued";
}
