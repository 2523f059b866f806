// Waiting: for which runs of other batches an execution waits, and whether they are over.
import type { EntityManager } from "typeorm";
import { batchesNamed, waitState } from "../database/condition-queries.js";
import { scheduledTriggers } from "../database/trigger-queries.js";
import type { Batch } from "../entities/batch.js";
import type { Execution } from "../entities/execution.js";
import { isPlanning } from "../entities/trigger.js";
import type { Wait } from "../models/execution.js";
import { lastOccurrence } from "../models/last-occurrence.js";
import type { Verdict } from "./demand.js";
import { scheduleOfTrigger } from "./trigger-schedule.js";

const DAY_MS = 86_400_000;

/**
 * What an execution of `batch` must wait for. The run of the same period is, of a batch with a schedule, that of its
 * latest planned instant up to `at`; of one without, any since this batch's own planned instant before `at`, or since
 * the beginning of the day in its zone. What has ended already is left out.
 *
 * @param at the execution's planned instant, or when it was asked for
 */
export async function waitsOf(manager: EntityManager, batch: Batch, at: number): Promise<Wait[]> {
  const waits: Wait[] = [];
  for (const awaited of await batchesNamed(manager, batch.config.waitFor)) {
    if (!awaited) continue;
    const own = await latestPlanned(manager, awaited.id, at);
    // One that was never planned up to now has no run of this period.
    if (own === "never") continue;
    const since = own ?? (await periodStart(manager, batch, at));
    const wait = { batchId: awaited.id, batchName: awaited.name, since };
    if ((await waitState(manager, wait)) === "unmet") waits.push(wait);
  }
  return waits;
}

/** The latest planned instant up to `at`; null if the batch has no schedule, `never` if none has come yet. */
async function latestPlanned(manager: EntityManager, batchId: number, at: number): Promise<number | "never" | null> {
  const triggers = (await scheduledTriggers(manager, [batchId])).filter(isPlanning);
  if (triggers.length === 0) return null;
  const instants = triggers.flatMap((trigger) => {
    // It is planned from after its making on.
    const latest = lastOccurrence(scheduleOfTrigger(trigger), at, trigger.createdAt + 1);
    return latest === null ? [] : [latest];
  });
  return instants.length > 0 ? Math.max(...instants) : "never";
}

async function periodStart(manager: EntityManager, batch: Batch, at: number): Promise<number> {
  const before = await latestPlanned(manager, batch.id, at - 1);
  if (typeof before === "number") return before;
  const midnight = {
    kind: "cron",
    expression: "0 0 * * *",
    timeZone: batch.config.timeZone,
    dst: "next_valid",
  } as const;
  return lastOccurrence(midnight, at, at - 2 * DAY_MS) ?? at - DAY_MS;
}

/** What becomes of a waiting execution now: it goes on waiting, may be queued, or waits in vain. */
export async function waitingVerdict(
  manager: EntityManager,
  { waits }: Execution,
): Promise<"wait" | "queue" | Verdict> {
  let open = false;
  for (const wait of waits ?? []) {
    const state = await waitState(manager, wait);
    if (state === "gone") {
      const text = `It waited for "${wait.batchName}", which was deleted meanwhile.`;
      return { status: "skipped", reason: { code: "waited_in_vain", text } };
    }
    open ||= state === "unmet";
  }
  return open ? "wait" : "queue";
}
