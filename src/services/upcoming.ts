// Upcoming: the next occurrences of all triggers together, from their watermarks on, in order, and never more than asked.
import type { EntityManager } from "typeorm";
import { plannedTriggers, type OccurrenceKey } from "../database/plan-queries.js";
import type { BatchTrigger, Trigger } from "../entities/trigger.js";
import { scheduleOfTrigger } from "../jobs/trigger-schedule.js";
import { nextOccurrence } from "../models/schedule.js";
import type { TriggerKind } from "../models/trigger-kind.js";
import type { Breather } from "./breather.js";

/** Triggers that are read at once. */
const PORTION = 500;

export interface Occurrence extends OccurrenceKey {
  batchId: number;
  triggerKind: TriggerKind;
}

interface Candidate {
  at: number;
  trigger: BatchTrigger;
}

export interface Window {
  start: OccurrenceKey;
  /** Itself left out; in ms since 1970. */
  to: number;
  limit: number;
  /** Null: of all batches. */
  batchIds: number[] | null;
}

/** The order of occurrences: by planned instant, of the same by trigger. */
export function byKey(a: OccurrenceKey, b: OccurrenceKey): number {
  return a.at - b.at || a.triggerId - b.triggerId;
}

/**
 * The first `limit` occurrences of the window that have no row yet. Triggers come by their watermarks, and of all that
 * were seen only as many are kept as the page can hold: neither time nor memory grows with the length of the window.
 */
export async function upcomingOccurrences(
  manager: EntityManager,
  { start, to, limit, batchIds }: Window,
  breather: Breather,
): Promise<Occurrence[]> {
  const firstOf = firstOccurrence(start);
  let kept: Candidate[] = [];
  let after = { at: Number.MIN_SAFE_INTEGER, triggerId: 0 };
  for (;;) {
    const portion = await plannedTriggers(manager, { after, to, batchIds, limit: PORTION });
    await breather.rest();
    for (const trigger of portion) {
      if (breather.due()) await breather.rest();
      const at = firstOf(trigger);
      if (at !== null && at < to) kept.push({ at, trigger });
    }
    kept = kept.sort(inOrder).slice(0, limit);
    const last = portion.at(-1);
    const latestKept = kept.length === limit ? (kept.at(-1)?.at ?? to) : to;
    if (last?.nextAt == null || portion.length < PORTION || last.nextAt > latestKept) return merge(kept, to, limit);
    after = { at: last.nextAt, triggerId: last.id };
  }
}

/** The first occurrence of a trigger from `start` on; triggers with the same schedule share the reckoning. */
function firstOccurrence(start: OccurrenceKey): (trigger: Trigger) => number | null {
  const known = new Map<string, number | null>();
  return (trigger) => {
    const from = trigger.id >= start.triggerId ? start.at : start.at + 1;
    if (trigger.nextAt === null || trigger.nextAt >= from) return trigger.nextAt;
    const schedule = scheduleOfTrigger(trigger);
    const key = `${from} ${JSON.stringify(schedule)}`;
    const first = known.get(key);
    if (first !== undefined) return first;
    const computed = nextOccurrence(schedule, from - 1);
    known.set(key, computed);
    return computed;
  };
}

function merge(candidates: Candidate[], to: number, limit: number): Occurrence[] {
  const line = [...candidates];
  const merged: Occurrence[] = [];
  for (let first = line.shift(); first && merged.length < limit; first = line.shift()) {
    const { at, trigger } = first;
    merged.push({ at, triggerId: trigger.id, batchId: trigger.batchId, triggerKind: trigger.kind });
    const next = nextOccurrence(scheduleOfTrigger(trigger), at);
    if (next === null || next >= to) continue;
    const candidate = { at: next, trigger };
    const place = line.findIndex((other) => inOrder(candidate, other) < 0);
    line.splice(place < 0 ? line.length : place, 0, candidate);
  }
  return merged;
}

function inOrder(a: Candidate, b: Candidate): number {
  return a.at - b.at || a.trigger.id - b.trigger.id;
}
