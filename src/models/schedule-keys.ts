// The keys with which a schedule is written, in batch configs and in triggers alike.
import { z } from "zod";
import { explainCron } from "./cron-expression.js";
import { everySchema, everyToCron } from "./named-frequency.js";
import type { Schedule } from "./schedule.js";
import { isTimeZone } from "./time-zone.js";

const cron = z.string().superRefine((expression, context) => {
  const complaint = explainCron(expression);
  if (complaint) context.addIssue({ code: "custom", message: complaint });
});

export const scheduleKeys = {
  cron: cron
    .optional()
    .meta({ description: "Cron expression of 5 fields, 6 with seconds first, or a macro (@daily)." }),
  at: z.iso
    .datetime({
      offset: true,
      error: "must be one instant as ISO 8601 with its zone, such as 2027-01-31T08:00:00+01:00",
    })
    .optional()
    .meta({ description: "One instant, ISO 8601 with zone." }),
  every: everySchema.optional().meta({ description: "A named frequency, plain or with its time of day." }),
  timeZone: z
    .string()
    .refine(isTimeZone, "must be an IANA time zone such as Europe/Berlin or UTC")
    .default("UTC")
    .meta({ description: "IANA zone in which cron and every are read." }),
  dst: z
    .enum(["next_valid", "skip", "both"])
    .default("next_valid")
    .meta({ description: "What a local time means that a clock change removes or doubles." }),
};

/** What was written of a schedule. */
export type ScheduleKeys = z.output<z.ZodObject<typeof scheduleKeys>>;

/** Those of the three ways to write a schedule that are used; more than one is a fault. */
export function waysGiven(keys: ScheduleKeys): ("cron" | "at" | "every")[] {
  return (["cron", "at", "every"] as const).filter((key) => keys[key] !== undefined);
}

/** The schedule that was written; null if there is none. */
export function scheduleOfKeys({ at, cron, every, timeZone, dst }: ScheduleKeys): Schedule | null {
  if (at !== undefined) return { kind: "once", at: Date.parse(at) };
  const expression = cron ?? (every === undefined ? undefined : everyToCron(every));
  return expression === undefined ? null : { kind: "cron", expression, timeZone, dst };
}

/** What is wrong with an instant that lies in the past. */
export function pastInstant(now: number): string {
  return `lies in the past (it is ${new Date(now).toISOString()} now); choose a later instant`;
}
