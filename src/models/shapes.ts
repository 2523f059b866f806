// Small shapes that every resource shares: ids, instants, pages and problem documents.
import { z } from "zod";
import { noControlCharacters } from "./name.js";

export const idSchema = z.number().int().positive().meta({ description: "A positive whole number." });
export const instantSchema = z.iso.datetime().meta({ description: "ISO 8601 in UTC with milliseconds." });

/** An instant as the service shows it; null stays null. */
export function toInstant(at: number): string;
export function toInstant(at: number | null): string | null;
export function toInstant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** An id as it comes in a URL: strict, so that `1e3`, `0x1` or `1 or 1=1` never reach a database. */
export const idText = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, "must be a positive whole number")
  .transform(Number)
  .meta({ description: "Id: a positive whole number." });

/** A batch in a URL: its id, or its unique name. */
export const batchReference = z
  .string()
  .min(1)
  .max(128, "must be an id or a name of at most 128 characters")
  .refine((text) => noControlCharacters(text) && !/[/\\]/.test(text), "must be an id, or a name as batches have")
  .meta({ description: "Id or unique name of a batch." });

/** What every list takes: how many rows, and where the page before ended. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^([1-9]\d?|1\d\d|200)$/, "must be a whole number from 1 to 200")
    .transform(Number)
    .default(50)
    .meta({ description: "Rows per page, 1 to 200 (50)." }),
  cursor: z
    .string()
    .max(64)
    .transform((text, context) => {
      const id = decodeCursor(text);
      if (id !== null) return id;
      context.addIssue({ code: "custom", message: "must be the `next` of a page of this list, unchanged" });
      return z.NEVER;
    })
    .optional()
    .meta({ description: "The `next` of the page before." }),
};

/** Which of two a list shows: what a test brought about, or all else. */
export const testFilter = z
  .enum(["0", "1", "all"], "must be 0, 1 or all")
  .default("0")
  .meta({ description: "0: nothing that tests brought about; 1: only that; all: both." });
export type TestFilter = z.output<typeof testFilter>;

/** Cursors are opaque to clients: the id after which the next page begins. */
export function encodeCursor(id: number): string {
  return btoa(`after:${id}`).replaceAll("=", "");
}

export function decodeCursor(text: string): number | null {
  if (!/^[A-Za-z0-9+/]+$/.test(text) || text.length % 4 === 1) return null;
  const match = /^after:([1-9]\d{0,8})$/.exec(atob(text));
  return match ? Number(match[1]) : null;
}

/** A page of a list: newest first, with the cursor of the next page. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item).meta({ description: "Newest first." }),
    next: z.string().nullable().meta({ description: "Cursor of the next page; null on the last one." }),
  });
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** A page from rows that were read one over the limit, which tells whether more follow. */
export function toPage<Row extends { id: number }, T>(rows: Row[], limit: number, show: (row: Row) => T): Page<T> {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return { items: shown.map(show), next: last ? encodeCursor(last.id) : null };
}
