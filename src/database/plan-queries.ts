// What the plan reads: watermarks and ledger rows in the order of planned instants, links around batches, durations.
import type { EntityManager } from "typeorm";
import type { Execution } from "../entities/execution.js";
import { isOfBatch, Trigger, type BatchTrigger } from "../entities/trigger.js";
import type { ChainLink } from "../models/chain.js";
import { selectRows } from "./plain.js";

/** Values of one IN list: few enough for every dialect, and for a statement that does not hold up the process. */
const PER_STATEMENT = 500;
/** Terms of one UNION: SQLite takes 500. */
const PER_UNION = 50;
const HISTORY = 20;

/** A place in the order of all occurrences: by planned instant, of the same by trigger. */
export interface OccurrenceKey {
  at: number;
  triggerId: number;
}

export type LedgerRow = Pick<
  Execution,
  "id" | "batchId" | "batchName" | "chainRunId" | "triggerId" | "triggerKind" | "status" | "reasonCode" | "reasonText"
> &
  Pick<Execution, "scheduledAt" | "startedAt" | "finishedAt">;

const LEDGER_COLUMNS =
  "id, batchId, batchName, chainRunId, triggerId, triggerKind, status, reasonCode, reasonText, scheduledAt, startedAt, finishedAt";

type Raw = Record<string, unknown>;

const number = (value: unknown) => (value === null ? null : Number(value));

function toLedgerRow(raw: Raw): LedgerRow {
  const ids = { id: Number(raw["id"]), batchId: Number(raw["batchId"]) };
  const optional = ["chainRunId", "triggerId", "scheduledAt", "startedAt", "finishedAt"];
  return { ...raw, ...ids, ...Object.fromEntries(optional.map((key) => [key, number(raw[key])])) } as LedgerRow;
}

const placesFor = (values: unknown[]) => values.map(() => "?").join(", ");

function* slices<T>(values: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < values.length; from += size) yield values.slice(from, from + size);
}

/**
 * Triggers of batches whose watermark lies before `to`, in the order of their watermarks, behind the one given.
 *
 * @param batchIds only those of these batches; null: of all
 */
export async function plannedTriggers(
  manager: EntityManager,
  { after, to, batchIds, limit }: { after: OccurrenceKey; to: number; batchIds: number[] | null; limit: number },
): Promise<BatchTrigger[]> {
  const ofBatches = batchIds === null ? "" : ` AND batchId IN (${placesFor(batchIds)})`;
  const where = `WHERE nextAt < ? AND (nextAt > ? OR (nextAt = ? AND id > ?)) AND batchId IS NOT NULL${ofBatches}`;
  const values = [to, after.at, after.at, after.triggerId, ...(batchIds ?? [])];
  return (await selectRows(manager, Trigger, `${where} ORDER BY nextAt, id LIMIT ${limit}`, values)).filter(isOfBatch);
}

/** The ids of the triggers of these batches. */
export async function triggerIdsOf(manager: EntityManager, batchIds: number[]): Promise<number[]> {
  const sql = `SELECT id FROM triggers WHERE batchId IN (${placesFor(batchIds)})`;
  const rows: Raw[] = await manager.query(sql, batchIds);
  return rows.map(({ id }) => Number(id));
}

/** The first `limit` recorded occurrences from `start` on and before `to`, in order. */
export async function recordedOccurrences(
  manager: EntityManager,
  { start, to, limit }: { start: OccurrenceKey; to: number; limit: number },
): Promise<LedgerRow[]> {
  const tied: Raw[] = await manager.query(
    `SELECT ${LEDGER_COLUMNS} FROM executions WHERE scheduledAt = ? AND triggerId >= ? ORDER BY triggerId LIMIT ${limit}`,
    [start.at, start.triggerId],
  );
  const wanted = limit - tied.length;
  if (wanted === 0) return tied.map(toLedgerRow);
  // The instant at which the page ends comes first: it is found in the index alone, and bounds what is to be sorted.
  const [last]: Raw[] = await manager.query(
    `SELECT scheduledAt FROM executions WHERE scheduledAt > ? AND scheduledAt < ?
     ORDER BY scheduledAt LIMIT 1 OFFSET ${wanted - 1}`,
    [start.at, to],
  );
  const later: Raw[] = await manager.query(
    `SELECT ${LEDGER_COLUMNS} FROM executions WHERE scheduledAt > ? AND scheduledAt <= ?
     ORDER BY scheduledAt, triggerId LIMIT ${wanted}`,
    [start.at, last ? Number(last["scheduledAt"]) : to - 1],
  );
  return [...tied, ...later].map(toLedgerRow);
}

/** The same of one trigger. */
export async function recordedOfTrigger(
  manager: EntityManager,
  triggerId: number,
  { start, to, limit }: { start: OccurrenceKey; to: number; limit: number },
): Promise<LedgerRow[]> {
  const from = triggerId >= start.triggerId ? start.at : start.at + 1;
  const rows: Raw[] = await manager.query(
    `SELECT ${LEDGER_COLUMNS} FROM executions WHERE triggerId = ? AND scheduledAt >= ? AND scheduledAt < ?
     ORDER BY scheduledAt LIMIT ${limit}`,
    [triggerId, from, to],
  );
  return rows.map(toLedgerRow);
}

/** Every row of these chain runs, oldest first. */
export async function rowsOfChainRuns(manager: EntityManager, chainRunIds: number[]): Promise<LedgerRow[]> {
  const sql = `SELECT ${LEDGER_COLUMNS} FROM executions WHERE chainRunId IN (${placesFor(chainRunIds)}) ORDER BY id`;
  const rows: Raw[] = await manager.query(sql, chainRunIds);
  return rows.map(toLedgerRow);
}

/** All links that can be reached from these batches, in link order: down to successors, or up to predecessors. */
export async function linksAround(
  manager: EntityManager,
  batchIds: Iterable<number>,
  way: "down" | "up",
): Promise<ChainLink[]> {
  const [near, far] =
    way === "down" ? (["predecessorId", "successorId"] as const) : (["successorId", "predecessorId"] as const);
  const seen = new Set(batchIds);
  const found: (ChainLink & { id: number })[] = [];
  for (let open = [...seen]; open.length > 0;) {
    const next: number[] = [];
    for (const ids of slices(open, PER_STATEMENT)) {
      const sql = `SELECT id, predecessorId, successorId, runOn, previousOutput FROM links WHERE ${near} IN (${placesFor(ids)})`;
      const links: (ChainLink & { id: number })[] = await manager.query(sql, ids);
      found.push(...links);
      for (const link of links) {
        if (seen.has(link[far])) continue;
        seen.add(link[far]);
        next.push(link[far]);
      }
    }
    open = next;
  }
  return found.sort((a, b) => a.id - b.id);
}

/** Names of these batches, and whether they are enabled; one that was deleted is left out. */
export async function batchFaces(
  manager: EntityManager,
  batchIds: Iterable<number>,
): Promise<Map<number, { name: string; enabled: boolean }>> {
  const faces = new Map<number, { name: string; enabled: boolean }>();
  for (const ids of slices([...batchIds], PER_STATEMENT)) {
    const sql = `SELECT id, name, enabled FROM batches WHERE id IN (${placesFor(ids)})`;
    const rows: { id: number; name: string; enabled: unknown }[] = await manager.query(sql, ids);
    for (const { id, name, enabled } of rows) faces.set(id, { name, enabled: Boolean(enabled) });
  }
  return faces;
}

/**
 * How long the last completed executions of each of these batches took, in ms; a batch without any has no entry.
 *
 * @param rest called between statements, so that others get their turn
 */
export async function recentDurations(
  manager: EntityManager,
  batchIds: Iterable<number>,
  rest: () => Promise<void>,
): Promise<Map<number, number[]>> {
  const durations = new Map<number, number[]>();
  const term = (_: number, i: number) =>
    `SELECT * FROM (SELECT batchId, startedAt, finishedAt FROM executions
     WHERE batchId = ? AND status = 'completed' ORDER BY id DESC LIMIT ${HISTORY}) AS h${i}`;
  for (const ids of slices([...batchIds], PER_UNION)) {
    const rows: Raw[] = await manager.query(ids.map(term).join(" UNION ALL "), ids);
    for (const { batchId, startedAt, finishedAt } of rows) {
      if (startedAt === null || finishedAt === null) continue;
      const known = durations.get(Number(batchId));
      const took = Number(finishedAt) - Number(startedAt);
      if (known) known.push(took);
      else durations.set(Number(batchId), [took]);
    }
    await rest();
  }
  return durations;
}
