// Walks along the indexes of events: what is asked for is cut into stretches of one index, each in the order of pages.
import type { EntityManager } from "typeorm";
import type { EventPlace } from "../models/event.js";
import { isSqlite } from "./locks.js";

type Value = string | number;

/** SQL behind WHERE, with `?` for every value. */
export interface Condition {
  sql: string;
  values: readonly Value[];
}

/** Where to look: one index, what its leading columns may be, and what else a row must be. */
export interface Walk {
  index: string;
  /** By column. Every combination of their values is one stretch of the index, by instant and id; SQLite takes 500. */
  leading: Record<string, readonly Value[]>;
  rest: readonly Condition[];
}

/** The part of the order to walk, newest first: from behind one place down to another, and with it; null: to its end. */
export interface Span {
  behind: EventPlace | null;
  downTo: EventPlace | null;
}

/** The condition that a column has one of these values. */
export function oneOf(column: string, values: readonly Value[]): Condition {
  return { sql: `${column} IN (${values.map(() => "?").join(", ")})`, values };
}

/** The first `limit` places of the span where a row is as asked for. */
export async function placesAlong(
  manager: EntityManager,
  walk: Walk,
  span: Span,
  limit: number,
): Promise<EventPlace[]> {
  return merged(manager, walk, [...within(manager, span), ...walk.rest], `LIMIT ${limit}`, limit);
}

/**
 * The place down to which no more than `count` rows have to be looked at, whatever else they must be: in each stretch as
 * many of them as in any other. Null: the whole span has no more.
 */
export async function lookingEnd(
  manager: EntityManager,
  walk: Walk,
  span: Span,
  count: number,
): Promise<EventPlace | null> {
  const share = Math.ceil(count / stretchesOf(walk).length);
  const [end] = await merged(manager, walk, within(manager, span), `LIMIT 1 OFFSET ${share - 1}`, 1);
  return end ?? null;
}

/** @param portion of each stretch */
async function merged(
  manager: EntityManager,
  walk: Walk,
  conditions: Condition[],
  portion: string,
  limit: number,
): Promise<EventPlace[]> {
  const sqlite = isSqlite(manager);
  const stretches = stretchesOf(walk);
  if (stretches.length === 0) return [];
  const columns = Object.keys(walk.leading).map((column) => `${column} = ?`);
  const where = [...columns, ...conditions.map(({ sql }) => sql)].join(" AND ");
  // Said outright: left to choose, MariaDB reads and sorts half a million rows for a page in the middle of a million.
  const from = sqlite ? `events INDEXED BY ${walk.index}` : `events FORCE INDEX (${walk.index})`;
  const order = "ORDER BY at DESC, id DESC";
  const one = `SELECT occurredAt AS at, id FROM ${from} WHERE ${where} ORDER BY occurredAt DESC, id DESC ${portion}`;
  // SQLite knows no brackets around a term; MariaDB takes twice as long for a table in them.
  const terms = stretches.map(() => (sqlite ? `SELECT * FROM (${one})` : `(${one})`));
  const shared = conditions.flatMap(({ values }) => values);
  const values = stretches.flatMap((leading) => [...leading, ...shared]);
  const rows: { at: number | string; id: number }[] = await manager.query(
    terms.length === 1 ? one : `${terms.join(" UNION ALL ")} ${order} LIMIT ${limit}`,
    values,
  );
  return rows.map(({ at, id }) => ({ at: Number(at), id }));
}

/** Every combination of values of the leading columns. */
function stretchesOf({ leading }: Walk): Value[][] {
  return Object.values(leading).reduce<Value[][]>(
    (stretches, values) => stretches.flatMap((stretch) => values.map((value) => [...stretch, value])),
    [[]],
  );
}

/** Each dialect uses the index for another way to say it: SQLite for the comparison of rows, MariaDB for the two ranges. */
function within(manager: EntityManager, { behind, downTo }: Span): Condition[] {
  const beside = (place: EventPlace | null, sign: "<" | ">", orSame: "" | "="): Condition[] => {
    if (!place) return [];
    const { at, id } = place;
    if (isSqlite(manager)) return [{ sql: `(occurredAt, id) ${sign}${orSame} (?, ?)`, values: [at, id] }];
    return [{ sql: `(occurredAt ${sign} ? OR (occurredAt = ? AND id ${sign}${orSame} ?))`, values: [at, at, id] }];
  };
  return [...beside(behind, "<", ""), ...beside(downTo, ">", "=")];
}
