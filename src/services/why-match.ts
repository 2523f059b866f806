// Which execution an instant means, and which planned instant: the very one, or the nearest within the same minute.
import type { EntityManager } from "typeorm";
import { recordedOfTrigger, rowsOfChainRuns, type LedgerRow } from "../database/plan-queries.js";
import { activeThen } from "../database/why-queries.js";
import type { Batch } from "../entities/batch.js";
import type { BatchTrigger, Trigger } from "../entities/trigger.js";
import { scheduleOfTrigger } from "../jobs/trigger-schedule.js";
import { lastOccurrence } from "../models/last-occurrence.js";
import { nextOccurrence } from "../models/schedule.js";
import type { WhyPlan } from "../models/why.js";

const MINUTE_MS = 60_000;
/** Occurrences of one trigger that a minute holds at most. */
const PER_MINUTE = 60;

export interface Matter {
  batch: Batch;
  at: number;
  now: number;
}

/** The plan of the batch by its own trigger or, where it has none, by that of a batch before it; null: nothing plans it. */
export function planAt(
  { batch, at, now }: Matter,
  triggers: BatchTrigger[],
  nameOf: (id: number) => string,
): WhyPlan | null {
  const own = triggers.filter(({ batchId }) => batchId === batch.id);
  const plans = (own.length > 0 ? own : triggers).map((trigger): WhyPlan => {
    const schedule = scheduleOfTrigger(trigger);
    const planned = nearest(at, instantsInMinute(trigger, at));
    const due = planned !== null && trigger.nextAt !== null && trigger.nextAt <= planned && planned <= now;
    const head = own.length > 0 ? null : { id: trigger.batchId, name: nameOf(trigger.batchId) };
    const before = lastOccurrence(schedule, at - 1, trigger.createdAt);
    return { head, planned, before, after: nextOccurrence(schedule, at), due };
  });
  const meant = nearest(
    at,
    plans.flatMap(({ planned }) => (planned === null ? [] : [planned])),
  );
  return plans.find(({ planned }) => planned === meant) ?? plans[0] ?? null;
}

function instantsInMinute(trigger: Trigger, at: number): number[] {
  const schedule = scheduleOfTrigger(trigger);
  const start = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  const instants: number[] = [];
  let next = nextOccurrence(schedule, start - 1);
  while (next !== null && next < start + MINUTE_MS) {
    instants.push(next);
    next = nextOccurrence(schedule, next);
  }
  return instants;
}

function nearest(at: number, instants: number[]): number | null {
  return instants.reduce<number | null>(
    (best, instant) => (best === null || Math.abs(instant - at) < Math.abs(best - at) ? instant : best),
    null,
  );
}

/** The id of the execution that the instant means: planned then, or within the same minute, or else active then. */
export async function executionAt(
  manager: EntityManager,
  { batch, at, now }: Matter,
  triggers: Trigger[],
  plan: WhyPlan | null,
): Promise<number | null> {
  // What is planned for the very instant, and still to come, is meant rather than what ran before it in that minute.
  if (at > now && plan?.planned === at) return null;
  const planned = new Map<number, number>();
  for (const trigger of triggers) {
    const rows = await recordedInMinute(manager, trigger.id, at);
    for (const row of trigger.batchId === batch.id ? rows : await reachedBy(manager, rows, batch.id)) {
      const head = rows.find(({ chainRunId }) => chainRunId === row.chainRunId) ?? row;
      planned.set(row.id, row.scheduledAt ?? head.scheduledAt ?? at);
    }
  }
  const meant = nearest(at, [...planned.values()]);
  const match = [...planned].find(([, instant]) => instant === meant);
  if (match) return match[0];
  if (at > now) return null;
  // What ended in that very millisecond counts: it may have lasted no longer.
  return (await activeThen(manager, { at, batchId: batch.id, endedAfter: at - 1 })).at(-1)?.id ?? null;
}

function recordedInMinute(manager: EntityManager, triggerId: number, at: number): Promise<LedgerRow[]> {
  const start = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  return recordedOfTrigger(manager, triggerId, {
    start: { at: start, triggerId: 0 },
    to: start + MINUTE_MS,
    limit: PER_MINUTE,
  });
}

/** The rows of this batch in the chain runs that these heads began. */
async function reachedBy(manager: EntityManager, heads: LedgerRow[], batchId: number): Promise<LedgerRow[]> {
  const ids = heads.flatMap(({ chainRunId }) => (chainRunId === null ? [] : [chainRunId]));
  if (ids.length === 0) return [];
  return (await rowsOfChainRuns(manager, ids)).filter((row) => row.batchId === batchId);
}
