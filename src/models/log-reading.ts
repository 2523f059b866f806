// What is looked up in logs, as people and programs ask for it and see it: matching lines, ranges of lines, the first error.
import { z } from "zod";
import { batchReference, idSchema, idText, pageQuery } from "./shapes.js";
import { EXECUTION_STATUSES } from "./status.js";

const STREAMS = ["log", "error_log"] as const;
const MAX_NEEDLE = 1000;

const stream = z
  .enum(STREAMS, "must be log or error_log")
  .default("log")
  .meta({ description: "log: standard output; error_log: standard error." });

const attempt = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, "must be the number of an attempt")
  .transform(Number)
  .optional()
  .meta({ description: "Of this attempt; of the latest if left out." });

/** A whole number in a query. */
function count(pattern: RegExp, message: string, description: string) {
  return z.string().regex(pattern, message).transform(Number).meta({ description });
}

function flag(description: string) {
  return z
    .enum(["0", "1"], "must be 0 or 1")
    .transform((text) => text === "1")
    .default(false)
    .meta({ description });
}

const needle = {
  q: z
    .string()
    .min(1, "must be a text to look for")
    .max(MAX_NEEDLE, `must have at most ${MAX_NEEDLE} characters`)
    .refine((text) => !text.includes("\n"), "must be a part of one line, without a line feed")
    .meta({ description: "The text to look for, byte for byte in UTF-8." }),
  ignoreCase: flag("1: a to z also match A to Z, and the other way round; other letters stay as they are."),
  stream,
};

export const logSearchParams = z.object({ id: idText });
export const batchSearchParams = z.object({ id: batchReference });

export const logSearchQuery = z
  .strictObject({
    ...needle,
    attempt,
    context: count(/^(\d|1\d|20)$/, "must be from 0 to 20", "So many lines before and after each (0).").default(0),
    limit: pageQuery.limit.meta({ description: "Matching lines per answer, 1 to 200 (50)." }),
    from: count(
      /^[1-9]\d{0,14}$/,
      "must be a whole number from 1",
      "The matching line to begin with, counted from 1.",
    ).optional(),
    cursor: z
      .string()
      .max(200)
      .transform((text, context) => {
        const place = decodePlace(text);
        if (place) return place;
        context.addIssue({ code: "custom", message: "must be the `next` of an answer to this search, unchanged" });
        return z.NEVER;
      })
      .optional()
      .meta({ description: "The `next` of the answer before: goes on there, and speaks of the log as it was then." }),
  })
  .refine(({ from, cursor }) => from === undefined || cursor === undefined, {
    path: ["from"],
    message: "does not go together with cursor: give one of them",
  });
export type LogSearchQuery = z.output<typeof logSearchQuery>;

export const logLinesQuery = z.strictObject({
  stream,
  attempt,
  from: count(
    /^(-?[1-9]\d{0,14})$/,
    "must be a whole number from 1, or below 0 to count from the end",
    "The line to begin with, from 1; -500: the 500th from the end (1).",
  ).default(1),
  count: count(
    /^([1-9]\d{0,2}|1\d{3}|2000)$/,
    "must be from 1 to 2000",
    "So many lines at most, 1 to 2000 (200).",
  ).default(200),
  total: flag("1: count all lines, though that may take reading the whole log."),
});
export type LogLinesQuery = z.output<typeof logLinesQuery>;

export const firstErrorQuery = z.strictObject({ attempt });
export type FirstErrorQuery = z.output<typeof firstErrorQuery>;

export const batchSearchQuery = z.strictObject({
  ...needle,
  lines: count(/^(\d|10)$/, "must be from 0 to 10", "So many matching lines per execution, 0 to 10 (3).").default(3),
  ...pageQuery,
  limit: pageQuery.limit
    .refine((limit) => limit <= 50, "must be a whole number from 1 to 50")
    .meta({ description: "Executions that are looked through for one answer, 1 to 50 (50)." }),
});
export type BatchSearchQuery = z.output<typeof batchSearchQuery>;

/** Where a search goes on. Opaque to clients. */
export interface SearchPlace {
  /** Where the next matching line begins. */
  offset: number;
  /** So many matching lines come before it. */
  before: number;
  /** Bytes of the log that is searched. */
  bytes: number;
  matchingLines: number;
  matches: number;
  /** Tells the search that it belongs to: 8 hex digits. */
  search: string;
}

const PLACE = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.([0-9a-f]{8})$/;

/** A place as text. */
export function encodePlace({ offset, before, bytes, matchingLines, matches, search }: SearchPlace): string {
  return [offset, before, bytes, matchingLines, matches, search].join(".");
}

/** Null: it is no place. */
export function decodePlace(text: string): SearchPlace | null {
  const match = PLACE.exec(text);
  if (!match) return null;
  const [offset = 0, before = 0, bytes = 0, matchingLines = 0, matches = 0] = match.slice(1, 6).map(Number);
  return offset < bytes ? { offset, before, bytes, matchingLines, matches, search: match[6] ?? "" } : null;
}

const lineNumber = z.number().int().meta({ description: "Number of the line, from 1." });
const offset = z.number().int().meta({ description: "Byte of the log at which the line begins, from 0." });
const lineBytes = z
  .number()
  .int()
  .meta({ description: "Its whole length without its line end: `Range: bytes=offset-(offset+bytes-1)` gets it." });
const cut = z.boolean().meta({ description: "True if `text` is not all of it." });

const logLineSchema = z
  .object({
    line: lineNumber,
    offset,
    bytes: lineBytes,
    text: z.string().meta({ description: "What is no UTF-8 shows as U+FFFD." }),
    cut,
  })
  .meta({ id: "LogLine", description: "A line of a log." });

const matchSchema = z
  .object({
    number: z.number().int().meta({ description: "Which of the matching lines it is, from 1." }),
    line: lineNumber,
    offset,
    bytes: lineBytes,
    text: z.string().meta({ description: "The line, or of a long one a part around its first match." }),
    textOffset: z.number().int().meta({ description: "Byte of the log at which `text` begins." }),
    cut,
    columns: z
      .array(z.object({ from: z.number().int(), to: z.number().int() }))
      .meta({ description: "The matches in `text`, 50 at most, in UTF-16 units from 0; `to` is exclusive." }),
    before: z.array(logLineSchema).meta({ description: "The lines before it, as asked by `context`." }),
    after: z.array(logLineSchema).meta({ description: "The lines after it." }),
  })
  .meta({ id: "LogMatch", description: "A line with a match." });

const counts = {
  matchingLines: z.number().int().meta({ description: "Lines with a match, all of them: exact." }),
  matches: z.number().int().meta({ description: "Matches, of which a line can have several: exact." }),
};
const which = {
  executionId: idSchema,
  attempt: z.number().int().meta({ description: "Of which the log is." }),
  stream: z.enum(STREAMS),
  bytes: z.number().int().meta({ description: "Size of the log as it was looked at; it may have grown since." }),
};

export const logSearchSchema = z
  .object({
    ...which,
    ...counts,
    items: z.array(matchSchema).meta({ description: "Matching lines in the order of the log." }),
    next: z.string().nullable().meta({ description: "Cursor of the matching lines after these; null if none." }),
  })
  .meta({ id: "LogSearch", description: "Where a text occurs in a log." });
/** An answer to a search in one log. */
export type LogSearchView = z.infer<typeof logSearchSchema>;

export const logLinesSchema = z
  .object({
    ...which,
    lines: z.number().int().nullable().meta({ description: "How many lines there are; null: not counted yet." }),
    items: z.array(logLineSchema).meta({ description: "Lines in the order of the log." }),
    unfinished: z.boolean().meta({ description: "True if the last of these has no line end, or none yet." }),
    next: z.number().int().nullable().meta({ description: "The line after these; null at the end." }),
  })
  .meta({ id: "LogLines", description: "Lines of a log, by their numbers." });
/** A portion of a log's lines. */
export type LogLinesView = z.infer<typeof logLinesSchema>;

export const firstErrorSchema = z
  .object({
    executionId: idSchema,
    attempt: which.attempt,
    found: z
      .object({
        stream: which.stream,
        ...logLineSchema.shape,
        pattern: z.string().meta({ description: "What it looks like; the names are listed in docs/logs.md." }),
      })
      .nullable()
      .meta({ description: "Of the error log, else of the log; null if no line looks like an error." }),
    text: z.string().meta({ description: "The same in one sentence." }),
  })
  .meta({ id: "FirstError", description: "The first line that looks like an error." });
/** What first went wrong, as far as the logs tell. */
export type FirstErrorView = z.infer<typeof firstErrorSchema>;

export const batchSearchSchema = z
  .object({
    searched: z
      .object({ executions: z.number().int(), bytes: z.number().int() })
      .meta({ description: "What was looked through for this answer: not all there is, unless `next` is null." }),
    items: z
      .array(
        z.object({
          ...which,
          number: z.number().int().meta({ description: "The execution's number in its batch." }),
          status: z.enum(EXECUTION_STATUSES),
          ...counts,
          lines: z.array(matchSchema.omit({ before: true, after: true })).meta({ description: "The first of them." }),
          problem: z.string().nullable().meta({ description: "Why its log cannot be read; null if it can." }),
        }),
      )
      .meta({ description: "The executions whose logs have it, newest first." }),
    next: z.string().nullable().meta({ description: "Cursor of older executions; null if there are none." }),
  })
  .meta({ id: "BatchLogSearch", description: "Where a text occurs in the logs of a batch." });
/** An answer to a search across a batch's executions. */
export type BatchLogSearchView = z.infer<typeof batchSearchSchema>;
