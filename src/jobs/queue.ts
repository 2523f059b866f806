// The queue: the verbs of an execution's life. Enqueue, claim, stop, finish; each one transaction or part of one.
import type { Database } from "../database/database.js";
import { insertRows } from "../database/plain.js";
import { claimableExecutions, configsThatExclude, firstTurns, takeNumbers } from "../database/queue-queries.js";
import type { Transaction } from "../database/transaction.js";
import { Attempt } from "../entities/attempt.js";
import { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import { SYSTEM, type Actor } from "../models/actor.js";
import { isFinal, type FinalStatus } from "../models/status.js";
import { activeByBatch, exclusion, mindsOverlap, ruleOn, type Active } from "./admission.js";
import type { Alerter } from "./alerter.js";
import { advanceChain, startChainRuns } from "./chain.js";
import type { Demand, Reason, Verdict } from "./demand.js";
import { conclude, type Ending } from "./ending.js";
import { Ledger } from "./ledger.js";
import { newRow } from "./new-row.js";
import type { Owner } from "./ownership.js";
import type { QueueListener } from "./queue-listener.js";
import { attemptOf, requeue, type Aftermath } from "./retry.js";

interface Collaborators {
  database: Database;
  clock: Clock;
  events: EventLog;
  alerter: Pick<Alerter, "note">;
  /** How many scripts may run at once, whichever service process runs them. */
  concurrency: number;
  /** In whose name executions are claimed. */
  owner: Owner;
}

/** Why and how a running execution is to be ended. */
export interface Stop {
  as: Extract<FinalStatus, "cancelled" | "timed_out">;
  reason: Reason;
  /** Who stops it. */
  actor: Actor;
  /** Only if it is in this attempt. */
  attempt?: number;
}

const REPLACED: Reason = {
  code: "replaced",
  text: 'A later execution of this batch took its place: overlap is "replace".',
};
/** What a new attempt, and an end, have no use for. */
const NO_RETRY = { retryAt: null };

export class Queue {
  private readonly ledger: Ledger;
  private listener: QueueListener | null = null;
  private closed = false;

  constructor(private readonly with_: Collaborators) {
    this.ledger = new Ledger(with_);
  }

  listen(listener: QueueListener): void {
    this.listener = listener;
  }

  /**
   * Makes one row of the ledger per demand, in order: queued, waiting, or final at once where a policy forbids the run.
   *
   * @throws AppError `not_found` if a batch is gone
   */
  enqueue = async (transaction: Transaction, demands: Demand[]): Promise<Execution[]> => {
    const { manager } = transaction;
    const batchIds = demands.map((demand) => demand.batch.id);
    const numbers = await takeNumbers(manager, batchIds);
    const turns = await firstTurns(manager, batchIds);
    const minding = new Set(demands.filter(mindsOverlap).map((demand) => demand.batch.id));
    const active = await activeByBatch(manager, [...minding]);
    const now = this.with_.clock.now();
    const rows: Execution[] = [];
    for (const demand of demands) {
      const { id, name } = demand.batch;
      const number = numbers.get(id)?.shift();
      if (number === undefined) throw new AppError("not_found", `The batch "${name}" was deleted meanwhile.`);
      const row = newRow(demand, { number, turn: turns.get(id) ?? 0, now });
      await this.admit(transaction, demand, row, active);
      if (row.status === "queued") turns.set(id, row.turn + 1);
      rows.push(row);
    }
    await this.joinChainRuns(transaction, demands, rows);
    await this.ledger.insert(transaction, rows);
    if (rows.some((row) => row.status === "queued")) transaction.afterCommit(() => this.listener?.onQueued());
    this.settled(transaction, rows);
    return rows;
  };

  /** A claimed execution whose script never began starts only now: its time counts from here. */
  async startAnew(execution: Execution): Promise<void> {
    const start = { startedAt: this.with_.clock.now() };
    await this.with_.database.write(({ manager }) =>
      this.ledger.move(manager, execution, "running", start, ["running"]),
    );
    Object.assign(execution, start);
  }

  /** Takes as many queued executions as there are free slots, in turn, and marks them running. */
  async claim(): Promise<void> {
    await this.with_.database.write((transaction) => this.claimIn(transaction));
  }

  /** Makes running executions ours whose owner is gone. Gives those that nobody else took before. */
  async takeOver(executions: Execution[]): Promise<Execution[]> {
    const { database, owner } = this.with_;
    return database.write(async ({ manager }) => {
      const taken: Execution[] = [];
      for (const { id, claimedBy } of executions) {
        if ((await this.ledger.hand(manager, claimedBy, owner, id)) === 0) continue;
        taken.push(await manager.findOneByOrFail(Execution, { id }));
      }
      return taken;
    });
  }

  /** Claims nothing more and lets go of all that is ours: another service process may take it over at once. */
  async letGo(): Promise<void> {
    this.closed = true;
    await this.with_.database.write(({ manager }) => this.ledger.hand(manager, this.with_.owner, null));
  }

  /**
   * Ends an execution early: one that has not started is final at once, a running one becomes `stopping` and its
   * script is ended after the commit. False if it has ended already or is being stopped.
   */
  async stop(transaction: Transaction, id: number, { as, reason, actor, attempt }: Stop): Promise<boolean> {
    const { manager } = transaction;
    const words = { reasonCode: reason.code, reasonText: reason.text };
    const over = { ...words, ...NO_RETRY, finishedAt: this.with_.clock.now() };
    const known = attempt === undefined ? { id } : { id, attempt };
    const never = as === "cancelled" && (await this.ledger.move(manager, known, as, over, ["queued", "waiting"]));
    if (!never && !(await this.ledger.move(manager, known, "stopping", { ...words, stopAs: as }))) return false;
    const execution = await manager.findOneByOrFail(Execution, { id });
    await this.ledger.tell(transaction, [execution], actor);
    if (never) await this.settle(transaction, execution);
    else transaction.afterCommit(() => this.listener?.onStopping(execution));
    return true;
  }

  /** Records that a policy forbids an execution that is queued or waits. False if it is neither any more. */
  async dismiss(transaction: Transaction, row: Execution, { status, reason }: Verdict): Promise<boolean> {
    const end = { reasonCode: reason.code, reasonText: reason.text, finishedAt: this.with_.clock.now(), ...NO_RETRY };
    if (!(await this.ledger.move(transaction.manager, row, status, end, ["queued", "waiting"]))) return false;
    const ended = Object.assign(new Execution(), row, end, { status });
    await this.ledger.tell(transaction, [ended]);
    await this.settle(transaction, ended);
    return true;
  }

  /** What an execution waited for has come: it may be queued. False if it does not wait any more. */
  async release(transaction: Transaction, row: Execution): Promise<boolean> {
    const turn = (await firstTurns(transaction.manager, [row.batchId])).get(row.batchId) ?? 0;
    if (!(await this.ledger.move(transaction.manager, row, "queued", { turn }, ["waiting"]))) return false;
    await this.ledger.tell(transaction, [Object.assign(new Execution(), row, { turn, status: "queued" as const })]);
    transaction.afterCommit(() => this.listener?.onQueued());
    return true;
  }

  /**
   * Records how an attempt ended: the execution is final, or goes back into the queue for another attempt. Decides about
   * its successors and claims what its slot is free for, all in one transaction: one wait for the disk. Later reports,
   * and reports of an earlier attempt, change nothing.
   *
   * @param known the execution as it was claimed; if it has changed since, the row counts
   */
  async finish(known: Execution, ending: Ending, after: Aftermath): Promise<void> {
    await this.with_.database.write(async (transaction) => {
      const ended =
        (await this.conclude(transaction, known, ending, after)) ??
        (await this.concludeChanged(transaction, known, ending, after));
      if (!ended) return;
      await this.ledger.tell(transaction, [ended]);
      if (isFinal(ended.status)) await this.settle(transaction, ended);
      // On a server the lock on the slots would be held up to this commit: there the dispatcher claims, after it.
      if (this.with_.database.dialect === "sqlite") await this.claimIn(transaction);
      else transaction.afterCommit(() => this.listener?.onQueued());
    });
  }

  /** Adds to the number of processes that an execution has left behind. */
  countLeftovers(id: number, count: number): Promise<void> {
    return this.with_.database.write(({ manager }) => this.ledger.addLeftovers(manager, id, count));
  }

  private async claimIn(transaction: Transaction): Promise<void> {
    if (this.closed) return;
    const { manager } = transaction;
    const { clock, concurrency, owner } = this.with_;
    const claimed: Execution[] = [];
    const rows = await claimableExecutions(manager, concurrency, clock.now());
    const minding = await configsThatExclude(
      manager,
      rows.map((row) => row.batchId),
    );
    for (const row of rows) {
      // Asked before the first attempt only: once begun, it is not one that never started.
      const excludes = row.attempt === 0 ? minding.get(row.batchId)?.excludes : undefined;
      const verdict = await exclusion(manager, excludes ?? []);
      if (verdict && (await this.dismiss(transaction, row, verdict))) {
        transaction.afterCommit(() => this.listener?.onQueued());
        continue;
      }
      const start = {
        startedAt: clock.now(),
        attempt: row.attempt + 1,
        claimedBy: owner,
        reasonCode: null,
        reasonText: null,
      };
      if (await this.ledger.move(manager, row, "running", { ...start, ...NO_RETRY })) {
        claimed.push(Object.assign(row, start, NO_RETRY, { status: "running" as const }));
      }
    }
    await this.ledger.tell(transaction, claimed);
    if (claimed.length > 0) transaction.afterCommit(() => this.listener?.onClaimed(claimed));
  }

  /** Gives the row as it is after the end, or null if it is no longer as `execution` says. */
  private async conclude(
    transaction: Transaction,
    execution: Execution,
    ending: Ending,
    after: Aftermath,
  ): Promise<Execution | null> {
    const { manager } = transaction;
    const conclusion = conclude(execution, ending, after.warningExitCodes);
    const again = requeue(execution, conclusion, after.retry, Math.random());
    const change = again ?? conclusion;
    if (!(await this.ledger.move(manager, execution, change.status, change, [execution.status]))) return null;
    if (again) {
      await insertRows(manager, Attempt, [attemptOf(execution, conclusion)]);
      transaction.afterCommit(() => this.listener?.onRetry(again.retryAt));
    }
    return Object.assign(new Execution(), execution, change);
  }

  /** It was stopped meanwhile, or this attempt has ended already: then its present row decides. */
  private async concludeChanged(
    transaction: Transaction,
    { id, attempt }: Execution,
    ending: Ending,
    after: Aftermath,
  ): Promise<Execution | null> {
    const row = await transaction.manager.findOneBy(Execution, { id, attempt });
    const underWay = row?.status === "running" || row?.status === "stopping";
    return underWay ? this.conclude(transaction, row, ending, after) : null;
  }

  private async settle(transaction: Transaction, ended: Execution): Promise<void> {
    await advanceChain(transaction, ended, this.enqueue);
    this.settled(transaction, [ended]);
  }

  private settled(transaction: Transaction, rows: Execution[]): void {
    const settled = rows.filter(({ status }) => status === "waiting" || isFinal(status));
    if (settled.length > 0) transaction.afterCommit(() => this.listener?.onSettled(settled));
  }

  /** Applies the policies of its batch to a fresh row. */
  private async admit(transaction: Transaction, demand: Demand, row: Execution, active: Map<number, Active>) {
    if (demand.verdict) return;
    const others = active.get(row.batchId) ?? [];
    const { verdict, replaces, waits } = await ruleOn(transaction.manager, demand, row, others);
    if (verdict) {
      const { status, reason } = verdict;
      Object.assign(row, { status, reasonCode: reason.code, reasonText: reason.text, finishedAt: row.queuedAt });
      return;
    }
    if (waits.length > 0) Object.assign(row, { status: "waiting", waits });
    for (const id of replaces) await this.stop(transaction, id, { as: "cancelled", reason: REPLACED, actor: SYSTEM });
    // The next demand of the same batch in this very call must see this one.
    active.set(row.batchId, [...others, { id: null, status: row.status }]);
  }

  private async joinChainRuns(transaction: Transaction, demands: Demand[], rows: Execution[]): Promise<void> {
    const heads = rows.filter((row, i) => demands[i]?.chain === "start" && !isFinal(row.status));
    const started = await startChainRuns(
      transaction,
      heads.map((row) => row.batchId),
      this.with_.clock.now(),
    );
    for (const [i, row] of heads.entries()) row.chainRunId = started[i] ?? null;
    for (const [i, row] of rows.entries()) {
      const chain = demands[i]?.chain;
      if (chain && chain !== "start") row.chainRunId = chain.runId;
    }
  }
}
