// Chain runs as people and programs see them: one pass through a chain.
import { z } from "zod";
import { actorSchema } from "./actor.js";
import { RUN_ON } from "./chain.js";
import { executionSchema } from "./execution.js";
import { idSchema, instantSchema } from "./shapes.js";

export const CHAIN_RUN_STATUSES = ["running", "completed", "failed", "cancelled"] as const;
export type ChainRunStatus = (typeof CHAIN_RUN_STATUSES)[number];

export const chainRunSchema = z
  .object({
    id: idSchema,
    headBatchId: idSchema.meta({ description: "The batch that it started from." }),
    status: z.enum(CHAIN_RUN_STATUSES).meta({
      description: "running until every execution has ended; failed if any did not complete; cancelled by somebody.",
    }),
    createdAt: instantSchema,
    cancelledAt: instantSchema.nullable(),
    cancelledBy: actorSchema.nullable(),
    links: z
      .array(
        z.object({
          predecessorId: idSchema,
          successorId: idSchema,
          runOn: z.enum(RUN_ON),
          previousOutput: z.boolean(),
          version: z.number().int().nullable().meta({ description: "The version of the successor that it starts." }),
        }),
      )
      .meta({ description: "The links it goes along, as they were when it started." }),
    executions: z.array(executionSchema).meta({ description: "Oldest first; those not decided yet are missing." }),
  })
  .meta({ id: "ChainRun", description: "One pass through a chain." });
/** A chain run as the API answers it. */
export type ChainRunView = z.infer<typeof chainRunSchema>;
