// Executions as people and programs see them: shapes, filters and the request to run.
import { z } from "zod";
import { actorSchema } from "./actor.js";
import { batchReference, idSchema, instantSchema, pageQuery, testFilter, type TestFilter } from "./shapes.js";
import { EXECUTION_STATUSES, type ExecutionStatus } from "./status.js";
import { TRIGGER_KINDS } from "./trigger-kind.js";

export const EXECUTION_SOURCES = ["schedule", "api", "person", "chain", "system"] as const;
export type ExecutionSource = (typeof EXECUTION_SOURCES)[number];

/** A predecessor's output that an execution receives. `attempt` 0: it never ran, its output is empty. */
export interface ExecutionInput {
  batchName: string;
  executionId: number;
  attempt: number;
}

/** What a waiting execution waits for: that a run of this batch, planned or asked for from `since` on, has ended. */
export interface Wait {
  batchId: number;
  batchName: string;
  /** In ms since 1970. */
  since: number;
}

const progressSchema = z
  .object({
    percent: z.number().min(0).max(100).nullable().meta({ description: "How far it has come." }),
    text: z.string().meta({ description: "What the script said." }),
  })
  .meta({ id: "Progress" });
export type Progress = z.infer<typeof progressSchema>;

const reasonSchema = z
  .object({
    code: z.string().meta({ description: "lower_snake_case, listed in docs/statuses.md." }),
    text: z.string().meta({ description: "One sentence." }),
  })
  .meta({ id: "Reason", description: "Why an execution did not simply complete." });

const logSchema = z
  .object({
    bytes: z.number().int().meta({ description: "Size so far, or in the end." }),
    truncated: z.boolean().meta({ description: "True if the cap was reached and output was left out." }),
  })
  .meta({ id: "LogInfo" });

const runOutcome = {
  startedAt: instantSchema.nullable(),
  finishedAt: instantSchema.nullable(),
  durationMs: z.number().int().nullable().meta({ description: "From start to end, in milliseconds." }),
  exitCode: z.number().int().nullable().meta({ description: "The script's exit code." }),
  signal: z.string().nullable().meta({ description: "The signal that the service ended it with." }),
  log: logSchema.nullable().meta({ description: "Standard output; null if it never started." }),
  errorLog: logSchema.nullable().meta({ description: "Standard error; null if there is none." }),
};

export const executionSchema = z
  .object({
    id: idSchema,
    number: z.number().int().meta({ description: "Counts per batch, from 1." }),
    batchId: idSchema,
    batchName: z.string().meta({ description: "The batch's name when it was enqueued; survives deletion." }),
    version: z.number().int().meta({ description: "The artifact version it runs." }),
    configRevision: z
      .number()
      .int()
      .nullable()
      .meta({ description: "The config revision it runs with; null if it is older than revisions are." }),
    rerunOf: idSchema.nullable().meta({ description: "The execution that it repeats." }),
    chainRunId: idSchema.nullable().meta({ description: "The pass through a chain that it belongs to." }),
    trigger: z
      .object({ id: idSchema, kind: z.enum(TRIGGER_KINDS), name: z.string().nullable() })
      .nullable()
      .meta({ description: "The trigger whose occurrence it is." }),
    source: z.enum(EXECUTION_SOURCES).meta({ description: "What asked for it." }),
    actor: actorSchema,
    status: z.enum(EXECUTION_STATUSES).meta({ description: "Where it stands; see docs/statuses.md." }),
    reason: reasonSchema.nullable(),
    scheduledAt: instantSchema.nullable().meta({ description: "The planned instant." }),
    queuedAt: instantSchema,
    ...runOutcome,
    attempt: z.number().int().meta({ description: "The present or last attempt; 0 before the first." }),
    attempts: z
      .array(
        z.object({
          number: z.number().int(),
          status: z.enum(EXECUTION_STATUSES).meta({ description: "How it ended; of the last, the execution's own." }),
          reason: reasonSchema.nullable(),
          ...runOutcome,
        }),
      )
      .meta({ description: "Every try, oldest first." }),
    retryAt: instantSchema.nullable().meta({ description: "While it waits for another attempt: not before this." }),
    waitsFor: z
      .array(z.object({ batchId: idSchema, batchName: z.string(), since: instantSchema }))
      .meta({ description: "While it waits: for runs of these batches, planned or asked for since then, to end." }),
    leftovers: z
      .number()
      .int()
      .nullable()
      .meta({ description: "Processes that the script left behind and that were ended; null if not looked for." }),
    args: z.array(z.string()).meta({ description: "The script's arguments, predecessors' outputs left out." }),
    payload: z.unknown().meta({ description: "The JSON that it was asked to run with; null if none." }),
    progress: progressSchema.nullable().meta({ description: "What the script last wrote to BATCHLINE_PROGRESS." }),
    expectedEndAt: instantSchema.nullable().meta({
      description: "While it runs: by its progress, else by the last completed runs; null if unknown or overdue.",
    }),
    results: z
      .record(z.string(), z.string())
      .nullable()
      .meta({ description: "What the script wrote to BATCHLINE_RESULT." }),
    test: z.boolean().meta({ description: "True if a test trigger made it." }),
    links: z
      .object({
        log: z.string(),
        errorLog: z.string().nullable(),
        batch: z.string(),
        chainRun: z.string().nullable().meta({ description: "The list of the chain run's executions." }),
      })
      .meta({ description: "Addresses under the service." }),
  })
  .meta({ id: "Execution", description: "One row of the ledger." });
/** An execution as the API answers it. */
export type ExecutionView = z.infer<typeof executionSchema>;

const statusFilter = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.array(z.enum(EXECUTION_STATUSES, `must be of ${EXECUTION_STATUSES.join(", ")}, with commas between`)))
  .meta({ description: "One or more statuses, with commas." });

const instantText = z.iso
  .datetime({ offset: true, error: "must be an instant such as 2026-12-01T08:00:00Z" })
  .transform((text) => Date.parse(text))
  .meta({ description: "ISO 8601 with zone." });

export const executionQuery = z.strictObject({
  batch: batchReference.optional(),
  chainRun: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "must be a positive whole number")
    .transform(Number)
    .optional()
    .meta({ description: "Only this chain run." }),
  status: statusFilter.optional(),
  test: testFilter,
  from: instantText.optional(),
  to: instantText.optional(),
  ...pageQuery,
});
/** Filters of a list of executions; `from` and `to` (exclusive) bound the instant of queueing. */
export interface ExecutionFilter {
  batch?: string | undefined;
  chainRun?: number | undefined;
  status?: ExecutionStatus[] | undefined;
  test: TestFilter;
  from?: number | undefined;
  to?: number | undefined;
  limit: number;
  cursor?: number | undefined;
}

export const logQuery = z.strictObject({
  tail: z
    .string()
    .regex(/^(0|[1-9]\d{0,8})$/, "must be a number of lines")
    .transform(Number)
    .optional()
    .meta({ description: "Only the last so many lines." }),
  attempt: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, "must be the number of an attempt")
    .transform(Number)
    .optional()
    .meta({ description: "Of this attempt; of the latest if left out." }),
  from: z
    .string()
    .regex(/^(0|[1-9]\d{0,14})$/, "must be a number of bytes")
    .transform(Number)
    .default(0)
    .meta({ description: "Without so many bytes at the beginning: goes on where a broken stream ended." }),
  follow: z
    .enum(["0", "1"], "must be 0 or 1")
    .transform((text) => text === "1")
    .default(false)
    .meta({ description: "1: stream on until the execution has ended." }),
});

export const runRequestSchema = z
  .strictObject({
    args: z
      .array(
        z
          .string()
          .max(128 * 1024 - 1)
          .refine((text) => !text.includes("\0"), "must not hold a NUL character"),
      )
      .max(1000)
      .optional()
      .meta({ description: "Arguments instead of the config's." }),
    payload: z
      .unknown()
      .optional()
      .meta({ description: "Any JSON; the script finds it in the file BATCHLINE_PAYLOAD." }),
    successors: z.boolean().default(false).meta({ description: "True: the batches after it run too." }),
  })
  .meta({ id: "RunRequest" });
export type RunRequest = z.input<typeof runRequestSchema>;

export const rerunRequestSchema = z
  .strictObject({
    version: z
      .enum(["same", "latest"], "must be same or latest")
      .default("same")
      .meta({ description: "same: as it was, with its version and config; latest: with those in use now." }),
    successors: runRequestSchema.shape.successors,
  })
  .meta({ id: "RerunRequest" });
export type RerunRequest = z.input<typeof rerunRequestSchema>;
