// The words that migrations share, so that each is written once for both dialects.
import { TableForeignKey, type TableColumnOptions } from "typeorm";

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
export const boolean = (name: string): TableColumnOptions => ({ name, type: "boolean" });
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
