// A batch with everything that is shown of it: links, activity, and who disabled it. Read for many batches at once.
import { In, type EntityManager } from "typeorm";
import { Batch } from "../entities/batch.js";
import type { Execution } from "../entities/execution.js";
import { Link } from "../entities/link.js";
import type { Trigger } from "../entities/trigger.js";
import { lastExecutions } from "../database/batch-queries.js";
import { scheduledTriggers } from "../database/trigger-queries.js";
import { activeByBatch } from "../jobs/admission.js";
import { scheduleOfTrigger } from "../jobs/trigger-schedule.js";
import { scheduleOf } from "../models/batch-config.js";
import { ancestors } from "../models/chain.js";
import { nextOccurrences, type Schedule } from "../models/schedule.js";

export interface BatchDetails {
  batch: Batch;
  predecessors: Link[];
  successors: Link[];
  activeExecutions: number;
  lastExecution: Execution | null;
  schedule: Schedule | null;
  /** What its config's schedule has made; null if that has none. */
  trigger: Trigger | null;
  /** The next planned instants of all its triggers, in ms since 1970; none while it is disabled. */
  nextRuns: number[];
  /** The disabled batch that withdraws this one: itself or one before it. */
  disabledBy: { id: number; name: string } | null;
}

const SHOWN_RUNS = 5;

/** The details of these batches, in their order; the next runs are those after `now`. */
export async function batchDetails(manager: EntityManager, batches: Batch[], now: number): Promise<BatchDetails[]> {
  if (batches.length === 0) return [];
  const ids = batches.map(({ id }) => id);
  const links = await manager.find(Link, {
    where: [{ predecessorId: In(ids) }, { successorId: In(ids) }],
    order: { id: "ASC" },
  });
  const triggers = await scheduledTriggers(manager, ids);
  const active = await activeByBatch(manager, ids);
  const last = await lastExecutions(manager, ids);
  const disabledBy = await disabling(
    manager,
    batches.filter(({ enabled }) => !enabled),
  );
  return batches.map((batch) => ({
    batch,
    schedule: scheduleOf(batch.config),
    nextRuns: nextRuns(
      triggers.filter(({ batchId }) => batchId === batch.id),
      now,
    ),
    trigger: triggers.find(({ batchId, ofConfig }) => ofConfig && batchId === batch.id) ?? null,
    predecessors: links.filter(({ successorId }) => successorId === batch.id),
    successors: links.filter(({ predecessorId }) => predecessorId === batch.id),
    activeExecutions: active.get(batch.id)?.length ?? 0,
    lastExecution: last.get(batch.id) ?? null,
    disabledBy: disabledBy.get(batch.id) ?? null,
  }));
}

function nextRuns(triggers: Trigger[], now: number): number[] {
  const instants = triggers.flatMap((trigger) => upcomingOf(trigger, now));
  return [...new Set(instants)].sort((a, b) => a - b).slice(0, SHOWN_RUNS);
}

/** The next planned instants of one trigger; none while it, or its batch, is disabled. */
export function upcomingOf(trigger: Trigger, now: number): number[] {
  // Without a watermark it is out of the plan; one that is just due has its next instants all the same.
  return trigger.nextAt === null ? [] : nextOccurrences(scheduleOfTrigger(trigger), now, SHOWN_RUNS);
}

async function disabling(manager: EntityManager, withdrawnBatches: Batch[]): Promise<Map<number, Batch>> {
  const found = new Map<number, Batch>();
  const byOthers = withdrawnBatches.filter((batch) => batch.disabledAt === null);
  for (const batch of withdrawnBatches) if (batch.disabledAt !== null) found.set(batch.id, batch);
  if (byOthers.length === 0) return found;
  const links = await manager.find(Link);
  for (const { id } of byOthers) {
    const before = await manager.findBy(Batch, { id: In([...ancestors(id, links)]) });
    const nearest = before.find((candidate) => candidate.disabledAt !== null);
    if (nearest) found.set(id, nearest);
  }
  return found;
}
