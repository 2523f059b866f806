// Planned passes: each occurrence with the batches of its chain, when they are expected, and what became of them.
import type { EntityManager } from "typeorm";
import { batchFaces, linksAround, recentDurations, rowsOfChainRuns, type LedgerRow } from "../database/plan-queries.js";
import { selectByIds } from "../database/plain.js";
import { ChainRun } from "../entities/chain-run.js";
import type { ChainLink } from "../models/chain.js";
import { linksBySource, median, passFrom, projectPass, type Projection } from "../models/plan.js";
import type { TriggerKind } from "../models/trigger-kind.js";
import type { Breather } from "./breather.js";
import type { Occurrence } from "./upcoming.js";

/** One run of a pass; instants in ms since 1970, durations in ms. */
export interface PlannedRun {
  plannedAt: number;
  batch: { id: number; name: string };
  trigger: { id: number; kind: TriggerKind } | null;
  chain: { headBatchId: number; afterBatchIds: number[] } | null;
  /** Null: it was not expected to run. */
  expected: { startAt: number | null; endAt: number | null; durationMs: number | null } | null;
  execution: LedgerRow | null;
}

/** An occurrence, and its row of the ledger if it has one. */
export interface Planned extends Occurrence {
  row: LedgerRow | null;
}

interface Pass {
  planned: Planned;
  /** None: the batch runs alone. */
  links: ChainLink[];
  /** The rows of its chain run, or its own. */
  rows: LedgerRow[];
}

/** Chain runs that are read at once; each brings its links along. */
const PORTION = 50;

/** The runs of each of these occurrences, in their order, the head of a chain first. */
export async function plannedRunsOf(
  manager: EntityManager,
  occurrences: Planned[],
  breather: Breather,
): Promise<PlannedRun[][]> {
  const links = await linksAhead(manager, occurrences);
  await breather.rest();
  const recorded = await recordedPasses(manager, occurrences, breather);
  const passes = occurrences.map((planned): Pass => {
    const pass = planned.row?.chainRunId == null ? undefined : recorded.get(planned.row.chainRunId);
    if (pass) return { planned, ...pass };
    if (planned.row) return { planned, links: [], rows: [planned.row] };
    return { planned, links: links(planned.batchId), rows: [] };
  });
  const ids = new Set(passes.flatMap(batchIdsOf));
  const faces = await batchFaces(manager, ids);
  await breather.rest();
  const durations = new Map<number, number>();
  for (const [id, known] of await recentDurations(manager, ids, breather.rest)) durations.set(id, median(known) ?? 0);
  const project = projector(durations);
  const runs: PlannedRun[][] = [];
  for (const pass of passes) {
    await breather.rest();
    runs.push(runsOf(pass, project(pass), (id) => faces.get(id)?.name ?? ""));
  }
  return runs;
}

/** The links of a pass that begins in the future, by its head: as they are now, without withdrawn batches. */
async function linksAhead(manager: EntityManager, occurrences: Planned[]): Promise<(head: number) => ChainLink[]> {
  const heads = new Set(occurrences.filter(({ row }) => !row).map(({ batchId }) => batchId));
  const links = await linksAround(manager, heads, "down");
  const faces = await batchFaces(manager, new Set(links.map(({ successorId }) => successorId)));
  const withdrawnIds = new Set([...faces].filter(([, { enabled }]) => !enabled).map(([id]) => id));
  const bySource = linksBySource(links);
  const known = new Map([...heads].map((head) => [head, passFrom(head, bySource, withdrawnIds)]));
  return (head) => known.get(head) ?? [];
}

/** Links and rows by chain run. */
async function recordedPasses(
  manager: EntityManager,
  occurrences: Planned[],
  breather: Breather,
): Promise<Map<number, Pick<Pass, "links" | "rows">>> {
  const ids = occurrences.flatMap(({ row }) => (row?.chainRunId == null ? [] : [row.chainRunId]));
  const passes = new Map<number, Pick<Pass, "links" | "rows">>();
  for (let from = 0; from < ids.length; from += PORTION) {
    const portion = ids.slice(from, from + PORTION);
    for (const { id, plan } of await selectByIds(manager, ChainRun, portion)) passes.set(id, { ...plan, rows: [] });
    for (const row of await rowsOfChainRuns(manager, portion)) passes.get(row.chainRunId ?? 0)?.rows.push(row);
    await breather.rest();
  }
  return passes;
}

function batchIdsOf({ planned, links, rows }: Pass): number[] {
  return [planned.batchId, ...links.map(({ successorId }) => successorId), ...rows.map(({ batchId }) => batchId)];
}

/** Passes of the same head along the same links share the reckoning. */
function projector(durations: ReadonlyMap<number, number>): (pass: Pass) => Projection[] {
  const known = new Map<ChainLink[], Projection[]>();
  return ({ planned, links }) => {
    if (links.length === 0) return projectPass(planned.batchId, [], durations);
    const projections = known.get(links) ?? projectPass(planned.batchId, links, durations);
    known.set(links, projections);
    return projections;
  };
}

function runsOf(
  { planned, links, rows }: Pass,
  projections: Projection[],
  nameOf: (id: number) => string,
): PlannedRun[] {
  const rowOf = new Map(rows.map((row) => [row.batchId, row]));
  return projections.flatMap((projection): PlannedRun[] => {
    const { batchId, afterBatchIds, expected } = projection;
    const row = rowOf.get(batchId) ?? null;
    const name = row?.batchName ?? nameOf(batchId);
    // Neither what is to run after a failure only, nor what was deleted since.
    if (!row && (!expected || name === "")) return [];
    return [
      {
        plannedAt: planned.at,
        batch: { id: batchId, name },
        trigger: batchId === planned.batchId ? { id: planned.triggerId, kind: planned.triggerKind } : null,
        chain: links.length === 0 ? null : { headBatchId: planned.batchId, afterBatchIds },
        expected: expected ? expectationOf(planned.at, projection) : null,
        execution: row,
      },
    ];
  });
}

function expectationOf(plannedAt: number, { startMs, endMs, durationMs }: Projection): PlannedRun["expected"] {
  const after = (ms: number | null) => (ms === null ? null : plannedAt + ms);
  return { startAt: after(startMs), endAt: after(endMs), durationMs };
}
