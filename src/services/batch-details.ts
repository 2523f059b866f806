// A batch with everything that is shown of it: links, activity, and who disabled it. Read for many batches at once.
import { In, type EntityManager } from "typeorm";
import { Batch } from "../entities/batch.js";
import type { Execution } from "../entities/execution.js";
import { Link } from "../entities/link.js";
import { Trigger } from "../entities/trigger.js";
import { lastExecutions } from "../database/batch-queries.js";
import { activeByBatch } from "../jobs/admission.js";
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
  /** What plans it; null if it has no schedule. */
  trigger: Trigger | null;
  /** The next planned instants, in ms since 1970; none while it is disabled. */
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
  const triggers = await manager.findBy(Trigger, { batchId: In(ids) });
  const active = await activeByBatch(manager, ids);
  const last = await lastExecutions(manager, ids);
  const disabledBy = await disabling(
    manager,
    batches.filter(({ enabled }) => !enabled),
  );
  return batches.map((batch) => ({
    batch,
    ...planned(batch, now),
    trigger: triggers.find(({ batchId }) => batchId === batch.id) ?? null,
    predecessors: links.filter(({ successorId }) => successorId === batch.id),
    successors: links.filter(({ predecessorId }) => predecessorId === batch.id),
    activeExecutions: active.get(batch.id)?.length ?? 0,
    lastExecution: last.get(batch.id) ?? null,
    disabledBy: disabledBy.get(batch.id) ?? null,
  }));
}

function planned({ config, enabled }: Batch, now: number): Pick<BatchDetails, "schedule" | "nextRuns"> {
  const schedule = scheduleOf(config);
  return { schedule, nextRuns: schedule && enabled ? nextOccurrences(schedule, now, SHOWN_RUNS) : [] };
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
