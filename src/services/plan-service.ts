// The plan, for whoever asks: what should run in a window beside what did, and what a pause has left open.
import type { EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import {
  linksAround,
  recordedOccurrences,
  recordedOfTrigger,
  triggerIdsOf,
  type LedgerRow,
} from "../database/plan-queries.js";
import { selectRows } from "../database/plain.js";
import { Batch } from "../entities/batch.js";
import { isOfBatch, Trigger, type BatchTrigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import { withdrawn } from "../models/chain.js";
import { encodePlanCursor, type PlanCursor, type PlanFilter } from "../models/plan.js";
import type { BatchService } from "./batch-service.js";
import { Breather } from "./breather.js";
import { gapInstants } from "./gap.js";
import { plannedRunsOf, type Planned, type PlannedRun } from "./planned-passes.js";
import { byKey, upcomingOccurrences, type Window } from "./upcoming.js";

interface Collaborators {
  database: Database;
  batches: BatchService;
  clock: Clock;
}

/** A page of planned runs; instants in ms since 1970. */
export interface PlannedPage {
  from: number;
  to: number;
  items: PlannedRun[];
  next: string | null;
}

/** What a pause has left open; instants in ms since 1970. */
export interface GapReport {
  batch: Batch;
  /** Oldest first, and no more than are shown. */
  occurrences: number[];
  count: number;
  /** True if there are more than were counted. */
  more: boolean;
}

const DAY_MS = 86_400_000;
const MAX_WINDOW_DAYS = 366;
const MAX_SHOWN = 1000;
const MAX_COUNTED = 100_000;

export class PlanService {
  constructor(private readonly with_: Collaborators) {}

  /**
   * What should run in a window, beside what did: the recorded part from the ledger, the rest from the watermarks on.
   *
   * @throws AppError `invalid` for a window that is empty or too long, `not_found` for an unknown batch
   */
  async plannedRuns({ from, to, batch, limit, cursor }: PlanFilter): Promise<PlannedPage> {
    const place = cursor ?? this.beginning(from, to);
    const only = batch === undefined ? null : (await this.with_.batches.get(batch)).batch.id;
    return this.with_.database.read(async (manager) => {
      const breather = new Breather();
      const heads = only === null ? null : await headsOf(manager, only);
      const start = { at: place.at, triggerId: place.triggerId };
      // One over the limit tells where the next page begins.
      const window = { start, to: place.to, limit: limit + 1, batchIds: heads };
      const occurrences = await occurrencesIn(manager, window, breather);
      const passes = await plannedRunsOf(manager, occurrences.slice(0, limit), breather);
      const { items, next } = cut(occurrences, passes, { place, limit, only });
      return { from: place.from, to: place.to, items, next: next && encodePlanCursor(next) };
    });
  }

  /** The occurrences that have passed without a row while the batch was disabled, and that enabling it could bring back. */
  async gap(reference: string): Promise<GapReport> {
    const { batch } = await this.with_.batches.get(reference);
    if (batch.disabledAt === null) return { batch, occurrences: [], count: 0, more: false };
    const triggers = await this.with_.database.read((manager) => triggersBehind(manager, batch.id));
    const now = this.with_.clock.now();
    const breather = new Breather();
    let count = 0;
    const occurrences: number[] = [];
    for (const trigger of triggers) {
      let shown = 0;
      for (const at of gapInstants(trigger, now)) {
        if (breather.due()) await breather.rest();
        if (count === MAX_COUNTED) return { batch, ...oldest(occurrences), count, more: true };
        count++;
        if (shown++ < MAX_SHOWN) occurrences.push(at);
      }
    }
    return { batch, ...oldest(occurrences), count, more: false };
  }

  private beginning(given: number | undefined, until: number | undefined): PlanCursor {
    const from = given ?? this.with_.clock.now();
    const to = until ?? from + DAY_MS;
    const complaint =
      to <= from
        ? `must lie after from (${new Date(from).toISOString()})`
        : to - from > MAX_WINDOW_DAYS * DAY_MS
          ? `must lie at most ${MAX_WINDOW_DAYS} days after from (${new Date(from).toISOString()})`
          : null;
    if (complaint === null) return { from, to, at: from, triggerId: 0, skip: 0 };
    const errors = [{ pointer: "query/to", message: complaint }];
    throw new AppError("invalid", `The window cannot be used: to ${complaint}.`, { reason: "invalid_request", errors });
  }
}

/** The batch itself and all before it: whatever starts it begins with one of them. */
async function headsOf(manager: EntityManager, batchId: number): Promise<number[]> {
  const links = await linksAround(manager, [batchId], "up");
  return [...new Set([batchId, ...links.map(({ predecessorId }) => predecessorId)])];
}

/** Watermarks first: what fires between the two readings is then met twice, and never missed. */
async function occurrencesIn(manager: EntityManager, window: Window, breather: Breather): Promise<Planned[]> {
  const upcoming = await upcomingOccurrences(manager, window, breather);
  await breather.rest();
  const rows = await recordedIn(manager, window);
  await breather.rest();
  const keyOf = ({ at, triggerId }: { at: number; triggerId: number }) => `${at} ${triggerId}`;
  const recorded = rows.map((row): Planned => {
    const { batchId, triggerKind, triggerId, scheduledAt } = row;
    return { at: scheduledAt ?? 0, triggerId: triggerId ?? 0, batchId, triggerKind: triggerKind ?? "cron", row };
  });
  const known = new Set(recorded.map(keyOf));
  const open = upcoming.filter((one) => !known.has(keyOf(one))).map((one) => ({ ...one, row: null }));
  return [...recorded, ...open].sort(byKey).slice(0, window.limit);
}

async function recordedIn(manager: EntityManager, window: Window): Promise<LedgerRow[]> {
  if (window.batchIds === null) return recordedOccurrences(manager, window);
  const rows: LedgerRow[] = [];
  for (const id of await triggerIdsOf(manager, window.batchIds)) {
    rows.push(...(await recordedOfTrigger(manager, id, window)));
  }
  return rows;
}

/** At most `limit` runs, and where the next page begins. */
function cut(
  occurrences: Planned[],
  passes: PlannedRun[][],
  { place, limit, only }: { place: PlanCursor; limit: number; only: number | null },
): { items: PlannedRun[]; next: PlanCursor | null } {
  const items: PlannedRun[] = [];
  for (const [i, pass] of passes.entries()) {
    const occurrence = occurrences[i] ?? place;
    const again = occurrence.at === place.at && occurrence.triggerId === place.triggerId;
    for (const [skip, run] of pass.entries()) {
      if ((again && skip < place.skip) || (only !== null && run.batch.id !== only)) continue;
      if (items.length === limit) return { items, next: { ...place, ...keyOf(occurrence), skip } };
      items.push(run);
    }
  }
  const following = occurrences[passes.length];
  return { items, next: following ? { ...place, ...keyOf(following), skip: 0 } : null };
}

function keyOf({ at, triggerId }: { at: number; triggerId: number }) {
  return { at, triggerId };
}

/** The triggers that come back into the plan with this batch: its own, and those after it that nothing else withdraws. */
async function triggersBehind(manager: EntityManager, batchId: number): Promise<BatchTrigger[]> {
  const after = await linksAround(manager, [batchId], "down");
  const ids = [...new Set([batchId, ...after.map(({ successorId }) => successorId)])];
  const places = ids.map(() => "?").join(", ");
  const disabled = await selectRows(manager, Batch, `WHERE disabledAt IS NOT NULL AND id IN (${places})`, ids);
  const others = disabled.map(({ id }) => id).filter((id) => id !== batchId);
  const out = withdrawn(others, after);
  const where = `WHERE batchId IN (${places}) AND gapFrom IS NOT NULL AND enabled = TRUE`;
  const triggers = (await selectRows(manager, Trigger, where, ids)).filter(isOfBatch);
  return triggers.filter((trigger) => !out.has(trigger.batchId));
}

function oldest(instants: number[]): { occurrences: number[] } {
  return { occurrences: instants.sort((a, b) => a - b).slice(0, MAX_SHOWN) };
}
