// Batches and links as people and programs see them.
import { z } from "zod";
import { batchConfigSchema } from "./batch-config.js";
import { RUN_ON } from "./chain.js";
import { idSchema, instantSchema, pageQuery } from "./shapes.js";
import { EXECUTION_STATUSES } from "./status.js";

export const linkSchema = z
  .object({
    id: idSchema,
    predecessorId: idSchema,
    successorId: idSchema,
    runOn: z.enum(RUN_ON).meta({ description: "Which result of the predecessor starts the successor." }),
    independent: z.boolean().meta({ description: "True if the successor runs whatever the predecessor's result." }),
    previousOutput: z.boolean().meta({ description: "True if the successor receives the predecessor's output." }),
    version: z
      .number()
      .int()
      .nullable()
      .meta({ description: "The version of the successor that it starts; null: the active one." }),
  })
  .meta({ id: "Link", description: "The tie between two batches of a chain." });
export type LinkView = z.infer<typeof linkSchema>;

const scheduleSchema = z
  .object({
    cron: z.string().nullable(),
    at: instantSchema.nullable(),
    every: z.unknown().meta({ description: "The named frequency as configured; null if there is none." }),
    timeZone: z.string(),
    dst: z.enum(["next_valid", "skip", "both"]),
    words: z.string().meta({ description: "The schedule in words." }),
    triggerId: idSchema.nullable().meta({ description: "The trigger that it became." }),
    version: z.number().int().nullable().meta({ description: "The version that it starts; null: the active one." }),
  })
  .meta({ id: "Schedule" });

export const batchSchema = z
  .object({
    id: idSchema,
    name: z.string(),
    description: z.string(),
    kind: z.enum(["script"]).meta({ description: "What the batch is made of." }),
    group: z.string().nullable().meta({ description: "Its place in the nested picture." }),
    owner: z.string().nullable(),
    enabled: z.boolean().meta({ description: "May triggers fire? False if it or a batch before it is disabled." }),
    disabledBy: z
      .object({ id: idSchema, name: z.string() })
      .nullable()
      .meta({ description: "The disabled batch that withdraws this one: itself or one before it." }),
    status: z.enum(["idle", "running"]).meta({ description: "Running as long as any execution has not ended." }),
    activeExecutions: z.number().int().meta({ description: "How many executions have not ended." }),
    schedule: scheduleSchema.nullable(),
    nextRuns: z.array(instantSchema).meta({ description: "The next five planned instants; empty while disabled." }),
    version: z.number().int().meta({ description: "The artifact version in use." }),
    configRevision: z.number().int().meta({ description: "Counts the config's edits, from 1." }),
    config: batchConfigSchema,
    predecessors: z.array(linkSchema),
    successors: z.array(linkSchema),
    lastExecution: z
      .object({
        id: idSchema,
        number: z.number().int(),
        status: z.enum(EXECUTION_STATUSES),
        queuedAt: instantSchema,
        finishedAt: instantSchema.nullable(),
      })
      .nullable(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
    etag: z.string().meta({ description: "Changes with every change of the batch." }),
  })
  .meta({ id: "Batch", description: "A script with its config, as uploaded." });
/** A batch as the API answers it. */
export type BatchView = z.infer<typeof batchSchema>;

export const chainSchema = z
  .object({ batches: z.array(batchSchema), links: z.array(linkSchema) })
  .meta({ id: "Chain", description: "What an upload of several batches made, in the order of the configs." });
export type ChainView = z.infer<typeof chainSchema>;

const GAP_CHOICES = ["none", "last", "all"] as const;

export const enableRequestSchema = z
  .strictObject({
    gap: z
      .enum(GAP_CHOICES, `must be one of ${GAP_CHOICES.join(", ")}`)
      .default("none")
      .meta({ description: "Which occurrences of the pause run after all; see the route `gap`." }),
  })
  .meta({ id: "EnableRequest" });
export type EnableRequest = z.input<typeof enableRequestSchema>;
/** Which occurrences of a pause run after all. */
export type GapChoice = z.output<typeof enableRequestSchema>["gap"];

export const removeQuery = z.strictObject({
  force: z
    .enum(["0", "1"], "must be 0 or 1")
    .transform((text) => text === "1")
    .default(false)
    .meta({ description: "1: what has not ended is ended first, which may take as long as its grace time." }),
});

export const batchQuery = z.strictObject({
  enabled: z
    .enum(["true", "false"], "must be true or false")
    .transform((text) => text === "true")
    .optional()
    .meta({ description: "Only batches that are, or are not, enabled." }),
  search: z.string().max(100).optional().meta({ description: "Part of the name, upper and lower case alike." }),
  ...pageQuery,
});
export interface BatchFilter {
  enabled?: boolean | undefined;
  search?: string | undefined;
  limit: number;
  cursor?: number | undefined;
}
