// Falling due: what the planned instants of a trigger become by now: demands for its batch or, without one, events alone.
import type { Transaction } from "../database/transaction.js";
import type { Batch } from "../entities/batch.js";
import { Trigger } from "../entities/trigger.js";
import type { EventLog, NewEvent } from "../handlers/event-log.js";
import { SYSTEM } from "../models/actor.js";
import { dueOccurrences, misfireRule, type DueOccurrence } from "../models/misfire.js";
import { toInstant } from "../models/shapes.js";
import type { Demand, Verdict } from "./demand.js";
import { occurrenceDemand } from "./occurrence-demand.js";
import { aboutTrigger, firedEvent } from "./trigger-events.js";
import { scheduleOfTrigger } from "./trigger-schedule.js";

export interface FallenDue {
  demands: Demand[];
  events: NewEvent[];
  /** The first planned instant after those; null: there is none. */
  next: number | null;
  /** True: it was a test, which has served. */
  served: boolean;
}

/** How a trigger without a batch looks at late occurrences: as a batch does that says nothing of it. */
const UNSAID = { misfire: "fire_once", misfireWithin: "1m" } as const;

/**
 * @param limit of about so many occurrences; the others follow from `next` on
 * @param verdict settled beforehand: none of them runs
 */
export function fallingDue(
  trigger: Trigger,
  batch: Batch | null,
  { from, now, limit, verdict }: { from: number; now: number; limit: number; verdict?: Verdict },
): FallenDue {
  const rule = misfireRule(batch?.config ?? UNSAID);
  const portion = dueOccurrences(scheduleOfTrigger(trigger), from, { now, rule, limit });
  const first = trigger.test && !verdict ? portion.due.findIndex(({ fate }) => fate !== "missed") : -1;
  const served = first >= 0 || (trigger.test && portion.next === null);
  // A test fires once: what comes after its firing is never planned.
  const due = first >= 0 ? portion.due.slice(0, first + 1) : portion.due;
  const demands = batch ? due.map((one) => occurrenceDemand(batch, trigger, one)) : [];
  return {
    demands: verdict ? demands.map((demand) => ({ ...demand, verdict })) : demands,
    events: batch ? [] : due.map((one) => eventOf(trigger, one, verdict)),
    next: served ? null : portion.next,
    served,
  };
}

function eventOf(trigger: Trigger, { at, fate }: DueOccurrence, verdict?: Verdict): NewEvent {
  const by = { source: "schedule", actor: SYSTEM } as const;
  const reason = verdict?.reason.code ?? (fate === "missed" ? "overdue" : null);
  if (reason === null) return firedEvent(trigger, { ...by, scheduledAt: at });
  return { kind: "trigger.missed", ...aboutTrigger(trigger), ...by, payload: { scheduledAt: toInstant(at), reason } };
}

/** Deletes test triggers that have fired. */
export async function removeServed(transaction: Transaction, triggers: Trigger[], events: EventLog): Promise<void> {
  if (triggers.length === 0) return;
  await transaction.manager.delete(
    Trigger,
    triggers.map(({ id }) => id),
  );
  const gone = { kind: "trigger.deleted", source: "system", actor: SYSTEM, payload: { reason: "test_fired" } } as const;
  await events.append(transaction, ...triggers.map((trigger) => ({ ...gone, ...aboutTrigger(trigger) })));
}
