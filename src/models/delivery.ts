// Deliveries as people and programs see them: messages about executions, and what became of each.
import { z } from "zod";
import { ALERT_OCCASIONS } from "./alert.js";
import { batchReference, idSchema, idText, instantSchema, pageQuery } from "./shapes.js";

export const DELIVERY_STATUSES = ["pending", "sent", "undelivered"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** So long sending is tried, from the occasion or from when somebody asked for it again. */
export const DELIVERY_PERIOD_MS = 24 * 3_600_000;

export const deliverySchema = z
  .object({
    id: idSchema,
    channel: z.literal("mail").meta({ description: "The means." }),
    occasion: z.enum(ALERT_OCCASIONS).meta({ description: "What it is about." }),
    executionId: idSchema,
    batchId: idSchema,
    batchName: z.string().meta({ description: "The batch's name at that time; survives deletion." }),
    recipient: z.string().meta({ description: "The address it goes to." }),
    messageId: z.string().meta({ description: "Its Message-ID header: the same however often it is sent." }),
    attachLog: z.boolean().meta({ description: "True if the captured log is attached." }),
    status: z
      .enum(DELIVERY_STATUSES)
      .meta({ description: "sent: the mail server took it; undelivered: given up after a day." }),
    attempts: z.number().int().meta({ description: "How often it was tried; not counted is an attempt under way." }),
    nextAttemptAt: instantSchema
      .nullable()
      .meta({ description: "While it is pending: when it is tried next; while it is being sent, when it would be." }),
    giveUpAt: instantSchema.meta({ description: "From then on it is not tried any more." }),
    lastError: z.string().nullable().meta({ description: "Why it is not sent yet, or was not." }),
    createdAt: instantSchema,
    finishedAt: instantSchema.nullable(),
    links: z.object({ execution: z.string() }).meta({ description: "Addresses under the service." }),
  })
  .meta({ id: "Delivery", description: "One message to one recipient." });
/** A delivery as the API answers it. */
export type DeliveryView = z.infer<typeof deliverySchema>;

export const deliveryQuery = z.strictObject({
  status: z
    .enum(DELIVERY_STATUSES, `must be one of ${DELIVERY_STATUSES.join(", ")}`)
    .optional()
    .meta({ description: "Only these." }),
  batch: batchReference.optional(),
  execution: idText.optional(),
  ...pageQuery,
});
/** Filters of a list of deliveries. */
export type DeliveryFilter = z.output<typeof deliveryQuery>;
