// The words that migrations share, so that each is written once for both dialects.
import { TableForeignKey, type QueryRunner, type TableColumnOptions } from "typeorm";

type Extra = Partial<TableColumnOptions>;

export const id: TableColumnOptions = {
  name: "id",
  type: "integer",
  isPrimary: true,
  isGenerated: true,
  generationStrategy: "increment",
};
export const integer = (name: string, extra: Extra = {}): TableColumnOptions => ({ name, type: "integer", ...extra });
export const bigint = (name: string, extra: Extra = {}): TableColumnOptions => ({ name, type: "bigint", ...extra });
export const boolean = (name: string, extra: Extra = {}): TableColumnOptions => ({ name, type: "boolean", ...extra });
export const varchar = (name: string, length: number, extra: Extra = {}): TableColumnOptions => ({
  name,
  type: "varchar",
  length: String(length),
  ...extra,
});
export const text = (name: string, extra: Extra = {}): TableColumnOptions => ({ name, type: "text", ...extra });
export const json = (name: string, extra: Extra = {}): TableColumnOptions => ({ name, type: "longtext", ...extra });

export const OPTIONAL: Extra = { isNullable: true };

/** A foreign key to the batches that goes when its batch goes. */
export function ofBatch(name: string, column: string): TableForeignKey {
  return new TableForeignKey({
    name,
    columnNames: [column],
    referencedTableName: "batches",
    referencedColumnNames: ["id"],
    onDelete: "CASCADE",
    // Said outright: left out, MariaDB reports a difference for ever.
    onUpdate: "NO ACTION",
  });
}

type Columns = Record<string, TableColumnOptions[]>;

/**
 * Adds columns by plain statements, which change the table in place. TypeORM would build a new table on SQLite: slow where
 * there are many rows, and on the way back down the old one's end would take along all rows that refer to it.
 */
export async function addColumns(runner: QueryRunner, columns: Columns): Promise<void> {
  for (const [table, column] of pairs(columns)) {
    const rule = column.isNullable ? "NULL" : `NOT NULL DEFAULT ${String(column.default)}`;
    const type = column.length ? `${column.type}(${column.length})` : column.type;
    await runner.query(`ALTER TABLE ${table} ADD COLUMN ${column.name} ${type} ${rule}`);
  }
}

/** Takes them away again; none of them may be part of an index or a foreign key. */
export async function dropColumns(runner: QueryRunner, columns: Columns): Promise<void> {
  for (const [table, { name }] of pairs(columns)) await runner.query(`ALTER TABLE ${table} DROP COLUMN ${name}`);
}

function pairs(columns: Columns): [string, TableColumnOptions][] {
  return Object.entries(columns).flatMap(([table, list]) =>
    list.map((column): [string, TableColumnOptions] => [table, column]),
  );
}
