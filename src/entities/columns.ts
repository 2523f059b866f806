// Column options that every entity shares, so that both dialects store the same thing.
import type { ColumnOptions } from "typeorm";

/** MySQL hands out 64-bit integers as text, SQLite as numbers; ours all fit a JavaScript number. */
const toNumber = {
  to: (value: number | null | undefined) => value,
  from: (value: string | number | null) => (value === null ? null : Number(value)),
};

/**
 * An instant as UTC milliseconds since 1970 in a 64-bit integer: the one form that no session time zone, column
 * precision or driver can bend, and that compares and indexes alike on both dialects.
 */
export const INSTANT: ColumnOptions = { type: "bigint", transformer: toNumber };
export const OPTIONAL_INSTANT: ColumnOptions = { ...INSTANT, nullable: true };

/** A size in bytes, or a duration in milliseconds. */
export const AMOUNT: ColumnOptions = { type: "bigint", transformer: toNumber };
export const OPTIONAL_AMOUNT: ColumnOptions = { ...AMOUNT, nullable: true };

/** Text of any length. */
export const OPTIONAL_TEXT: ColumnOptions = { type: "longtext", nullable: true };

/** A JSON document as text. Not the dialects' own JSON types: MySQL reorders keys, MariaDB has none. */
export const JSON_DOCUMENT: ColumnOptions = {
  type: "longtext",
  transformer: {
    to: (value: unknown) => (value === undefined ? undefined : value === null ? null : JSON.stringify(value)),
    from: (value: string | null) => (value === null ? null : (JSON.parse(value) as unknown)),
  },
};
export const OPTIONAL_JSON: ColumnOptions = { ...JSON_DOCUMENT, nullable: true };
