// Admission: what the overlap policy says to a batch that is asked to run while it still runs.
import { In, type EntityManager } from "typeorm";
import { Execution } from "../entities/execution.js";
import type { BatchConfig } from "../models/batch-config.js";
import { ACTIVE_STATUSES } from "../models/status.js";
import type { Verdict } from "./demand.js";

/** How many executions of one batch may wait in line under `overlap: queue`. */
const MAX_WAITING = 100;

/** The executions of one batch that have not ended, oldest first. */
export type Active = { id: number | null; status: Execution["status"] }[];

/** The executions that have not ended, by batch; a batch without any has no entry. Counted from rows, never kept. */
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

/** The verdict of the overlap policy; null: it may be queued. */
export function overlapVerdict(policy: BatchConfig["overlap"], active: Active): Verdict | null {
  const [first] = active;
  if (!first || policy === "allow" || policy === "replace") return null;
  if (policy === "queue") {
    if (active.length <= MAX_WAITING) return null;
    const text = `${MAX_WAITING} executions of this batch wait already, which is the most that overlap "queue" allows.`;
    return { status: "skipped", reason: { code: "queue_full", text } };
  }
  const text = `Execution ${first.id ?? "planned before this"} of this batch had not ended, and overlap is "skip".`;
  return { status: "skipped", reason: { code: "overlap", text } };
}
