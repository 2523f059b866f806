// Plain statements over entities, for the path of every run: what TypeORM's builders do in several times the time.
// They write numbers into the text of a statement, so that none is ever prepared twice; here every value is bound.
import type { EntityManager, EntityTarget, ObjectLiteral } from "typeorm";
import { forUpdate } from "./locks.js";

interface Column {
  /** Escaped. */
  name: string;
  property: string;
  toDatabase: (value: unknown) => unknown;
  fromDatabase: (value: unknown) => unknown;
}

interface Shape {
  table: string;
  /** All but the generated id. */
  columns: Column[];
}

/** SQLite binds at most 32,766 values in one statement. */
const MAX_VALUES = 30_000;

const shapes = new WeakMap<object, Shape>();
const same = (value: unknown) => value;

function shapeOf<Row extends ObjectLiteral>(manager: EntityManager, entity: EntityTarget<Row>): Shape {
  const metadata = manager.dataSource.getMetadata(entity);
  const known = shapes.get(metadata);
  if (known) return known;
  const columns = metadata.columns
    .filter((column) => !column.isGenerated)
    .map(({ databaseName, propertyName, transformer, type }): Column => {
      const given = Array.isArray(transformer) ? undefined : transformer;
      return {
        name: manager.dataSource.driver.escape(databaseName),
        property: propertyName,
        toDatabase: given ? (value) => given.to(value) as unknown : same,
        fromDatabase: given ? (value) => given.from(value) as unknown : type === "boolean" ? Boolean : same,
      };
    });
  const shape = { table: metadata.tableName, columns };
  shapes.set(metadata, shape);
  return shape;
}

async function run(
  manager: EntityManager,
  sql: string,
  values: unknown[],
): Promise<{ raw: unknown; affected?: number | undefined }> {
  if (!manager.queryRunner) throw new Error("A statement that writes needs a transaction.");
  return manager.queryRunner.query(sql, values, true);
}

/**
 * Inserts rows and gives each the id that it got. Every column must be set.
 *
 * Both dialects number the rows of one statement without gaps; SQLite tells the last id, MySQL the first.
 */
export async function insertRows<Row extends ObjectLiteral & { id: number }>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  rows: Row[],
): Promise<void> {
  const { table, columns } = shapeOf(manager, entity);
  const head = `INSERT INTO ${table} (${columns.map(({ name }) => name).join(", ")}) VALUES `;
  const places = `(${columns.map(() => "?").join(", ")})`;
  const perStatement = Math.floor(MAX_VALUES / columns.length);
  for (let from = 0; from < rows.length; from += perStatement) {
    const slice = rows.slice(from, from + perStatement);
    const values = slice.flatMap((row) => columns.map(({ property, toDatabase }) => toDatabase(row[property])));
    const { raw } = await run(manager, head + slice.map(() => places).join(", "), values);
    const first = typeof raw === "number" ? raw - slice.length + 1 : (raw as { insertId: number }).insertId;
    slice.forEach((row, i) => (row.id = first + i));
  }
}

/**
 * Sets `fields` of the rows that `condition` selects.
 *
 * @param condition SQL behind WHERE, with `?` for every value
 * @returns how many rows that was
 */
export async function updateRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  fields: Partial<Row>,
  condition: string,
  values: unknown[],
): Promise<number> {
  const { table, columns } = shapeOf(manager, entity);
  const changed = columns.filter(({ property }) => property in fields);
  const set = changed.map(({ name }) => `${name} = ?`).join(", ");
  const bound = changed.map(({ property, toDatabase }) => toDatabase(fields[property]));
  const { affected } = await run(manager, `UPDATE ${table} SET ${set} WHERE ${condition}`, [...bound, ...values]);
  return affected ?? 0;
}

/** Deletes the rows that `condition` selects, as in `updateRows`. @returns how many that was */
export async function deleteRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  condition: string,
  values: unknown[],
): Promise<number> {
  const { affected } = await run(manager, `DELETE FROM ${shapeOf(manager, entity).table} WHERE ${condition}`, values);
  return affected ?? 0;
}

/** The rows with these ids. @param lock true: nobody else may change them until the transaction ends */
export async function selectByIds<Row extends ObjectLiteral & { id: number }>(
  manager: EntityManager,
  entity: EntityTarget<Row> & (new () => Row),
  ids: number[],
  { lock = false } = {},
): Promise<Row[]> {
  if (ids.length === 0) return [];
  const places = ids.map(() => "?").join(", ");
  return selectRows(manager, entity, `WHERE id IN (${places}) ORDER BY id${lock ? forUpdate(manager) : ""}`, ids);
}

/** The rows that `tail` (SQL behind the table's name, with `?` for every value) selects. */
export async function selectRows<Row extends ObjectLiteral & { id: number }>(
  manager: EntityManager,
  entity: EntityTarget<Row> & (new () => Row),
  tail: string,
  values: unknown[],
): Promise<Row[]> {
  const { table, columns } = shapeOf(manager, entity);
  const names = columns.map(({ name }) => name).join(", ");
  const raw: Record<string, unknown>[] = await manager.query(`SELECT id, ${names} FROM ${table} ${tail}`, values);
  return raw.map((record) => {
    const row: Record<string, unknown> & Row = Object.assign(new entity(), { id: Number(record["id"]) });
    for (const { property, fromDatabase } of columns)
      Object.assign(row, { [property]: fromDatabase(record[property]) });
    return row;
  });
}
