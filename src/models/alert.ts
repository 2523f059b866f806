// Alerts: what a batch config says of the messages about its executions, and which occasions are worth one.
import { z } from "zod";
import { isFinal, type ExecutionStatus } from "./status.js";

/** What a message is about: that an execution has started, or the final status it has got. */
export const ALERT_OCCASIONS = [
  "started",
  "completed",
  "warned",
  "failed",
  "timed_out",
  "cancelled",
  "lost",
  "aborted",
  "skipped",
  "missed",
] as const;
export type AlertOccasion = (typeof ALERT_OCCASIONS)[number];

/** An e-mail address as it may stand in a header and on the wire: without names, comments, or line breaks above all. */
export const emailAddress = z
  .email("must be one e-mail address such as ops@example.org")
  .max(254, "must have at most 254 characters");

const emails = z
  .array(emailAddress)
  .max(50)
  .superRefine((addresses, context) => {
    const folded = addresses.map((address) => address.toLowerCase());
    for (const [i, address] of folded.entries()) {
      const message = "is there twice, upper and lower case alike; keep one";
      if (folded.indexOf(address) < i) context.addIssue({ code: "custom", path: [i], message });
    }
  });

export const alertsSchema = z
  .strictObject({
    emails: emails.optional().meta({ description: "Who gets mail; the administrator if left out, nobody if empty." }),
    on: z
      .array(z.enum(ALERT_OCCASIONS, `must be one of ${ALERT_OCCASIONS.join(", ")}`))
      .max(ALERT_OCCASIONS.length)
      .optional()
      .meta({ description: "On which occasions; left out: whenever a run has ended, and when one is aborted." }),
    attachLog: z.boolean().default(false).meta({ description: "Attach the captured log." }),
  })
  .meta({ description: "Messages to people about its executions." });
export type Alerts = z.output<typeof alertsSchema>;

/** What of an execution there is for an occasion. */
interface Progress {
  status: ExecutionStatus;
  attempt: number;
  startedAt: number | null;
}

/** The occasion that an execution gives by having come to its present status; null: none. */
export function occasionOf({ status, attempt }: Progress): AlertOccasion | null {
  // Another attempt is no new start, as the failed one before it was no end.
  if (status === "running") return attempt === 1 ? "started" : null;
  return isFinal(status) ? status : null;
}

/** Whether people are told of an occasion. @param on the occasions that the config names */
export function isTold(on: Alerts["on"], occasion: AlertOccasion, { startedAt }: Pick<Progress, "startedAt">): boolean {
  if (on) return on.includes(occasion);
  return occasion === "aborted" || (occasion !== "started" && startedAt !== null);
}
