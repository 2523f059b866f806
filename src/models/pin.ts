// Pins as people and programs see them: triggers and links, and the version that each starts.
import { z } from "zod";
import { idSchema, instantSchema } from "./shapes.js";
import { TRIGGER_KINDS } from "./trigger.js";

export const pinRequestSchema = z
  .strictObject({
    version: z
      .number("must be the number of a version, or null")
      .int()
      .positive()
      .max(999_999_999)
      .nullable()
      .meta({ description: "The version to start from now on; null: whichever is active." }),
  })
  .meta({ id: "PinRequest" });

export const triggerSchema = z
  .object({
    id: idSchema,
    kind: z.enum(TRIGGER_KINDS),
    batchId: idSchema.nullable(),
    cron: z.string().nullable().meta({ description: "Also where a named frequency was configured." }),
    at: instantSchema.nullable(),
    timeZone: z.string(),
    dst: z.enum(["next_valid", "skip", "both"]),
    words: z.string().meta({ description: "The schedule in words." }),
    nextAt: instantSchema
      .nullable()
      .meta({ description: "The next planned instant; null if there is none, or while disabled." }),
    version: z.number().int().nullable().meta({ description: "The version that it starts; null: the active one." }),
    createdAt: instantSchema,
    etag: z.string(),
  })
  .meta({ id: "Trigger", description: "A reason for a batch to run at planned instants." });
/** A trigger as the API answers it. */
export type TriggerView = z.infer<typeof triggerSchema>;
