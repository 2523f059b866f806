// Chain runs: makes one when a chain's head is enqueued, and decides about successors when a predecessor has ended.
import { In, IsNull, Not, type EntityManager } from "typeorm";
import { lockedForUpdate } from "../database/locks.js";
import type { Transaction } from "../database/transaction.js";
import { Batch } from "../entities/batch.js";
import { ChainRun } from "../entities/chain-run.js";
import { Execution } from "../entities/execution.js";
import { Link } from "../entities/link.js";
import { SYSTEM } from "../models/actor.js";
import { ancestors, decide, planFrom, withdrawn, type Outcome } from "../models/chain.js";
import { isFinal } from "../models/status.js";
import type { Demand, Verdict } from "./demand.js";

type Enqueue = (transaction: Transaction, demands: Demand[]) => Promise<Execution[]>;

const CANCELLED: Verdict = {
  status: "aborted",
  reason: { code: "chain_cancelled", text: "Its chain run was cancelled before it could start." },
};

const DISABLED: Verdict = {
  status: "skipped",
  reason: { code: "disabled", text: "It, or a batch before it, was disabled while the chain was running." },
};

/**
 * The batches that a pass from `head` leaves out: the disabled ones and all that comes after them. Whoever runs a
 * disabled head by hand means it, so `head` and what comes before it count only if disabled after the pass began.
 *
 * @param since when the pass began, in ms since 1970
 */
async function withdrawnFrom(manager: EntityManager, head: number, since: number): Promise<Set<number>> {
  const disabled = await manager.find(Batch, {
    select: { id: true, disabledAt: true },
    where: { disabledAt: Not(IsNull()) },
  });
  if (disabled.length === 0) return new Set();
  const links = await manager.find(Link);
  const waived = ancestors(head, links).add(head);
  const counting = disabled.filter(({ id, disabledAt }) => !waived.has(id) || Number(disabledAt) > since);
  return withdrawn(
    counting.map(({ id }) => id),
    links,
  );
}

/**
 * Makes a chain run for each of these heads that has successors; one that stands there twice starts two passes.
 *
 * @returns the chain run's id for each of them, in order; null for a head without successors
 */
export async function startChainRuns({ manager }: Transaction, heads: number[], now: number) {
  const runs: (number | null)[] = heads.map(() => null);
  if (heads.length === 0 || !(await manager.existsBy(Link, { predecessorId: In(heads) }))) return runs;
  const links = await manager.find(Link, { order: { id: "ASC" } });
  for (const [i, head] of heads.entries()) {
    const plan = planFrom(head, links, await withdrawnFrom(manager, head, now));
    if (plan.links.length === 0) continue;
    const { identifiers } = await manager.insert(ChainRun, { headBatchId: head, plan, createdAt: now });
    runs[i] = Number(identifiers[0]?.["id"]);
  }
  return runs;
}

/**
 * Decides about everything that can be decided in the chain run of an execution that has just ended: enqueues the
 * successors that may run and records as aborted or skipped those that may not, down to the first that must wait.
 */
export async function advanceChain(transaction: Transaction, ended: Execution, enqueue: Enqueue): Promise<void> {
  if (ended.chainRunId === null) return;
  const { manager } = transaction;
  // Two predecessors of one batch may end at once: the lock lets the second see what the first has written.
  const run = await manager.findOne(ChainRun, { where: { id: ended.chainRunId }, ...lockedForUpdate(manager) });
  if (!run) return;
  const executions = await manager.find(Execution, { where: { chainRunId: run.id }, order: { id: "ASC" } });
  const outcomes = new Map<number, Outcome>(executions.map((execution) => [execution.batchId, outcomeOf(execution)]));
  const leftOut = await withdrawnFrom(manager, run.headBatchId, run.createdAt);
  // From all that have ended, not from this one alone: a deleted batch left no row to tell that it was passed.
  const open = [...outcomes].filter(([, { status }]) => isFinal(status)).map(([id]) => id);
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    const next = run.plan.links.filter((link) => link.predecessorId === id && !outcomes.has(link.successorId));
    for (const { successorId } of next) {
      const demand = await demandFor(manager, run, successorId, outcomes, leftOut);
      if (demand === "wait") continue;
      const [execution] = demand === "gone" ? [] : await enqueue(transaction, [{ ...demand, test: ended.test }]);
      const outcome = execution ? outcomeOf(execution) : GONE;
      outcomes.set(successorId, outcome);
      if (isFinal(outcome.status)) open.push(successorId);
    }
  }
}

function outcomeOf({ id, batchName, status, exitCode, attempt }: Execution): Outcome {
  return { executionId: id, batchName, status, exitCode, attempt };
}

/** What stands for a batch that was deleted while its chain was running: it has no row, and what follows it goes on. */
const GONE: Outcome = {
  executionId: null,
  batchName: "a deleted batch",
  status: "aborted",
  exitCode: null,
  attempt: 0,
};

/** What to enqueue for one batch of a pass; `wait` if a predecessor has not ended, `gone` if it was deleted. */
async function demandFor(
  manager: EntityManager,
  run: ChainRun,
  batchId: number,
  outcomes: ReadonlyMap<number, Outcome>,
  leftOut: ReadonlySet<number>,
): Promise<Demand | "wait" | "gone"> {
  const decision = decide(batchId, run.plan, outcomes);
  if (decision.kind === "wait") return "wait";
  const batch = await manager.findOneBy(Batch, { id: batchId });
  if (!batch) return "gone";
  // Where several links lead here, all that are pinned name the same version.
  const version = run.plan.links.find((link) => link.successorId === batchId && link.version)?.version ?? null;
  const demand: Demand = { batch, version, source: "chain", actor: SYSTEM, chain: { runId: run.id } };
  if (run.cancelledAt !== null) return { ...demand, verdict: CANCELLED };
  if (leftOut.has(batchId)) return { ...demand, verdict: DISABLED };
  if (decision.kind === "abort") return { ...demand, verdict: { status: "aborted", reason: decision.reason } };
  const inputs = decision.inputsFrom.flatMap((id) => {
    const from = outcomes.get(id);
    if (!from) return [];
    return [{ batchName: from.batchName, executionId: from.executionId ?? 0, attempt: from.attempt }];
  });
  return { ...demand, inputs };
}
