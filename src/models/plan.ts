// Planned runs: what should run in a window and when it is expected to end; the shapes, and the pure arithmetic.
import { z } from "zod";
import { decide, type ChainLink, type Edge, type Outcome } from "./chain.js";
import { executionQuery } from "./execution.js";
import { batchReference, idSchema, instantSchema } from "./shapes.js";
import { EXECUTION_STATUSES } from "./status.js";
import { TRIGGER_KINDS } from "./trigger-kind.js";

const MAX_ROWS = 1000;

const expectedSchema = z.object({
  startAt: instantSchema.nullable().meta({ description: "Null if a batch before it has no history." }),
  endAt: instantSchema.nullable().meta({ description: "Null without history." }),
  durationMs: z
    .number()
    .int()
    .nullable()
    .meta({ description: "Median of the batch's last 20 completed executions; null without any." }),
});

export const plannedRunSchema = z
  .object({
    plannedAt: instantSchema.meta({ description: "The planned instant; in a chain that of its head." }),
    batch: z.object({ id: idSchema, name: z.string() }),
    trigger: z
      .object({ id: idSchema, kind: z.enum(TRIGGER_KINDS) })
      .nullable()
      .meta({ description: "Null if a batch before it starts it." }),
    chain: z
      .object({ headBatchId: idSchema, afterBatchIds: z.array(idSchema) })
      .nullable()
      .meta({ description: "Its place in the chain; null if it runs alone." }),
    expected: expectedSchema
      .nullable()
      .meta({ description: "Null if it was not expected to run, such as one that runs only after a failure." }),
    execution: z
      .object({
        id: idSchema,
        status: z.enum(EXECUTION_STATUSES),
        reason: z.object({ code: z.string(), text: z.string() }).nullable(),
        startedAt: instantSchema.nullable(),
        finishedAt: instantSchema.nullable(),
        durationMs: z.number().int().nullable(),
      })
      .nullable()
      .meta({ description: "What became of it; null as long as it has no row." }),
  })
  .meta({ id: "PlannedRun", description: "One run that should be, beside what was." });
/** A planned run as the API answers it. */
export type PlannedRunView = z.infer<typeof plannedRunSchema>;

export const plannedRunsSchema = z
  .object({
    from: instantSchema.meta({ description: "The beginning of the window." }),
    to: instantSchema.meta({ description: "Its end, itself left out." }),
    items: z.array(plannedRunSchema).meta({ description: "Oldest first." }),
    next: z.string().nullable().meta({ description: "Cursor of the next page; null on the last one." }),
  })
  .meta({ id: "PlannedRuns", description: "A page of what should run in a window." });
export type PlannedRunsView = z.infer<typeof plannedRunsSchema>;

export const gapSchema = z
  .object({
    batch: z.object({ id: idSchema, name: z.string() }),
    disabledAt: instantSchema.nullable().meta({ description: "Null if the batch itself is not disabled." }),
    occurrences: z.array(instantSchema).meta({ description: "Oldest first, the first 1000." }),
    count: z.number().int().meta({ description: "How many there are, counted up to 100,000." }),
    more: z.boolean().meta({ description: "True if there are more than were counted." }),
  })
  .meta({ id: "Gap", description: "The planned instants that left no row because the batch was disabled." });
/** The gap of a pause as the API answers it. */
export type GapView = z.infer<typeof gapSchema>;

/** Where a page of planned runs begins: in which window, at which occurrence, and how much of its chain was shown. */
export interface PlanCursor {
  from: number;
  to: number;
  at: number;
  triggerId: number;
  skip: number;
}

export const planQuery = z.strictObject({
  from: executionQuery.shape.from.meta({ description: "ISO 8601 with zone; now if left out." }),
  to: executionQuery.shape.to.meta({ description: "At most 366 days later, itself left out; 24 hours if left out." }),
  batch: batchReference.optional(),
  limit: z
    .string()
    .regex(/^([1-9]\d{0,2}|1000)$/, `must be a whole number from 1 to ${MAX_ROWS}`)
    .transform(Number)
    .default(200)
    .meta({ description: "Runs per page, 1 to 1000 (200). With `batch` a page may hold fewer and yet have a next." }),
  cursor: z
    .string()
    .max(128)
    .transform((text, context) => {
      const cursor = decodePlanCursor(text);
      if (cursor) return cursor;
      context.addIssue({ code: "custom", message: "must be the `next` of a page of planned runs, unchanged" });
      return z.NEVER;
    })
    .optional()
    .meta({ description: "The `next` of the page before; it keeps the window." }),
});
/** What planned runs are asked for; instants in ms since 1970. */
export type PlanFilter = z.output<typeof planQuery>;

export function encodePlanCursor({ from, to, at, triggerId, skip }: PlanCursor): string {
  return btoa(`plan:${from}:${to}:${at}:${triggerId}:${skip}`).replaceAll("=", "");
}

export function decodePlanCursor(text: string): PlanCursor | null {
  if (!/^[A-Za-z0-9+/]+$/.test(text) || text.length % 4 === 1) return null;
  const match = /^plan:(-?\d{1,15}):(-?\d{1,15}):(-?\d{1,15}):(\d{1,9}):(\d{1,6})$/.exec(atob(text));
  if (!match) return null;
  const [from = 0, to = 0, at = 0, triggerId = 0, skip = 0] = match.slice(1).map(Number);
  return { from, to, at, triggerId, skip };
}

/** One batch of a pass as it is expected; instants in ms after the planned one, null where history is missing. */
export interface Projection {
  batchId: number;
  /** The batches of the pass that it comes after, in link order. */
  afterBatchIds: number[];
  startMs: number | null;
  endMs: number | null;
  durationMs: number | null;
  /** False: its links keep it from running as long as everything before it succeeds. */
  expected: boolean;
}

/** Links by the batch that they lead from. */
export type LinksBySource = ReadonlyMap<number, readonly ChainLink[]>;

export function linksBySource(links: readonly ChainLink[]): LinksBySource {
  return groupLinks(links, "predecessorId");
}

function groupLinks(links: readonly ChainLink[], end: keyof Edge): Map<number, ChainLink[]> {
  const groups = new Map<number, ChainLink[]>();
  for (const link of links) {
    const group = groups.get(link[end]);
    if (group) group.push(link);
    else groups.set(link[end], [link]);
  }
  return groups;
}

/** The links that a pass from `head` goes along, without those into withdrawn batches. */
export function passFrom(head: number, links: LinksBySource, withdrawnIds: ReadonlySet<number>): ChainLink[] {
  const seen = new Set([head]);
  const pass: ChainLink[] = [];
  for (const id of seen) {
    for (const link of links.get(id) ?? []) {
      if (withdrawnIds.has(link.successorId)) continue;
      pass.push(link);
      seen.add(link.successorId);
    }
  }
  return pass;
}

/**
 * When each batch of a pass is expected to start and end if all goes well, the head first and every other behind those
 * it comes after.
 *
 * @param links those of the pass alone
 * @param durations expected durations in ms by batch; a batch without history is left out
 */
export function projectPass(head: number, links: ChainLink[], durations: ReadonlyMap<number, number>): Projection[] {
  const incoming = groupLinks(links, "successorId");
  const outgoing = linksBySource(links);
  const done = new Map<number, Projection>();
  const outcomes = new Map<number, Outcome>();
  const open = [head];
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    const before = incoming.get(id) ?? [];
    if (done.has(id) || before.some(({ predecessorId }) => !done.has(predecessorId))) continue;
    const expected = decide(id, { links: before }, outcomes).kind === "run";
    const status = expected ? "completed" : "aborted";
    outcomes.set(id, { executionId: null, batchName: "", status, exitCode: null, attempt: 0 });
    const afterBatchIds = before.map(({ predecessorId }) => predecessorId);
    const startMs = latest(afterBatchIds.map((predecessor) => done.get(predecessor)?.endMs ?? null));
    const durationMs = durations.get(id) ?? null;
    // What is not to run is passed over at once.
    const lastsMs = expected ? durationMs : 0;
    const endMs = startMs === null || lastsMs === null ? null : startMs + lastsMs;
    done.set(id, { batchId: id, afterBatchIds, startMs, endMs, durationMs, expected });
    for (const { successorId } of outgoing.get(id) ?? []) open.push(successorId);
  }
  return [...done.values()];
}

/** The latest of these instants; null if one of them is not known, 0 if there is none. */
function latest(instants: (number | null)[]): number | null {
  return instants.reduce((max, at) => (max === null || at === null ? null : Math.max(max, at)), 0);
}

/** The middle of these durations, or between the middle two; null if there is none. */
export function median(durations: readonly number[]): number | null {
  const sorted = durations.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? null : Math.round((low + high) / 2);
}
