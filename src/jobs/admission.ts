// Admission: what the policies of a batch say to a demand: run, wait, or not at all. Counted from rows, never kept.
import { In, type EntityManager } from "typeorm";
import { anActive, batchesNamed, hasCompleted } from "../database/condition-queries.js";
import { Execution } from "../entities/execution.js";
import { concurrencyOf, type BatchConfig } from "../models/batch-config.js";
import type { Wait } from "../models/execution.js";
import { ACTIVE_STATUSES } from "../models/status.js";
import type { Demand, Verdict } from "./demand.js";
import { waitsOf } from "./waiting.js";

/** How many executions of one batch may wait in line under `overlap: queue`. */
const MAX_WAITING = 100;

/** The executions of one batch that have not ended, oldest first. */
export type Active = { id: number | null; status: Execution["status"] }[];

/** The executions that have not ended, by batch; a batch without any has no entry. */
export async function activeByBatch(manager: EntityManager, batchIds: number[]): Promise<Map<number, Active>> {
  if (batchIds.length === 0) return new Map();
  const rows = await manager.find(Execution, {
    select: { id: true, batchId: true, status: true },
    where: { batchId: In(batchIds), status: In(ACTIVE_STATUSES) },
    order: { id: "ASC" },
  });
  const byBatch = new Map<number, Active>();
  for (const row of rows) byBatch.set(row.batchId, [...(byBatch.get(row.batchId) ?? []), row]);
  return byBatch;
}

/** True if what is active of the batch has a say about this demand. */
export function mindsOverlap({ verdict, inLine, batch }: Demand): boolean {
  return !verdict && !inLine && batch.config.overlap !== "allow";
}

/** What the policies say of a demand. */
export interface Ruling {
  /** Null: nothing forbids it. */
  verdict: Verdict | null;
  /** Ids of executions that it takes the place of. */
  replaces: number[];
  /** What it must wait for first. */
  waits: Wait[];
}

/** @param active the executions of its batch that have not ended */
export async function ruleOn(manager: EntityManager, demand: Demand, row: Execution, active: Active): Promise<Ruling> {
  const { batch } = demand;
  const forbidden = await conditionVerdict(manager, batch.config);
  const overlap = mindsOverlap(demand) ? overlapRuling(batch.config, active) : FREE;
  const verdict = forbidden ?? overlap.verdict;
  if (verdict) return { verdict, replaces: [], waits: [] };
  return { ...overlap, verdict, waits: await waitsOf(manager, batch, row.scheduledAt ?? row.queuedAt) };
}

type OverlapRuling = Omit<Ruling, "waits">;

const FREE: OverlapRuling = { verdict: null, replaces: [] };

function overlapRuling(config: BatchConfig, active: Active): OverlapRuling {
  const limit = concurrencyOf(config) ?? Infinity;
  if (active.length < limit) return FREE;
  if (config.overlap === "replace") {
    const oldest = active.slice(0, active.length - limit + 1);
    return { verdict: null, replaces: oldest.flatMap(({ id }) => (id === null ? [] : [id])) };
  }
  if (config.overlap === "queue") {
    if (active.length < MAX_WAITING + limit) return FREE;
    const text = `${MAX_WAITING} executions of this batch wait already, which is the most that overlap "queue" allows.`;
    return { verdict: skipped("queue_full", text), replaces: [] };
  }
  const first = active[0]?.id ?? "planned before this";
  const text =
    limit === 1
      ? `Execution ${first} of this batch had not ended, and overlap is "skip".`
      : `${active.length} executions of this batch had not ended, concurrency is ${limit} and overlap is "skip".`;
  return { verdict: skipped("overlap", text), replaces: [] };
}

/** What `requires` and `excludes` say; null: nothing stands against it. */
async function conditionVerdict(manager: EntityManager, config: BatchConfig): Promise<Verdict | null> {
  const { requires, excludes } = config;
  for (const [i, batch] of (await batchesNamed(manager, requires)).entries()) {
    if (batch && (await hasCompleted(manager, batch.id))) continue;
    const why = batch ? "has never completed" : "does not exist";
    return skipped("requires", `It requires "${batch?.name ?? requires[i] ?? ""}", which ${why}.`);
  }
  return exclusion(manager, excludes);
}

/** What `excludes` says alone: it is asked once more when a queued execution, by then in the ledger, is about to start. */
export async function exclusion(manager: EntityManager, excludes: string[]): Promise<Verdict | null> {
  for (const batch of await batchesNamed(manager, excludes)) {
    const active = batch && (await anActive(manager, batch.id));
    if (batch && active !== null) {
      return skipped("excluded", `It excludes "${batch.name}", whose execution ${active} had not ended.`);
    }
  }
  return null;
}

function skipped(code: string, text: string): Verdict {
  return { status: "skipped", reason: { code, text } };
}
