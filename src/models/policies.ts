// The policies of a batch config that bend when and how often a batch runs: retry, misfire, and what it minds of others.
import { z } from "zod";
import { parseDuration } from "./duration.js";

export const durationText = z
  .string()
  .refine((text) => parseDuration(text) !== null, "must be a duration of at most a year such as 90s, 30m, 6h or 1h30m");

const exitCode = z.number().int().min(1).max(255);

export const retrySchema = z
  .strictObject({
    attempts: z.number().int().min(1).max(100).meta({ description: "How many attempts there are in all." }),
    delay: durationText.default("10s").meta({ description: "How long after a failed attempt the next one starts." }),
    backoff: z
      .enum(["fixed", "exponential"])
      .default("fixed")
      .meta({ description: "exponential: the delay doubles with each attempt." }),
    maxDelay: durationText.default("1h").meta({ description: "The delay grows to this at most." }),
    jitter: z
      .boolean()
      .optional()
      .meta({ description: "Shorten each delay by a random part of up to a half; by default if it is exponential." }),
    exitCodes: z
      .array(exitCode)
      .min(1)
      .max(255)
      .optional()
      .meta({ description: "Only after these exit codes; left out: after any failure, a timeout too." }),
    onLost: z
      .boolean()
      .default(false)
      .meta({ description: "Also if it cannot be known how an attempt ended; it may then run twice." }),
  })
  .meta({ description: "What to do when an attempt has failed." });
export type Retry = z.output<typeof retrySchema>;

const MISFIRE_POLICIES = ["fire_once", "skip", "catch_up"] as const;

export const misfireSchema = z.union(
  [
    z.enum(MISFIRE_POLICIES),
    z.strictObject({
      policy: z.enum(MISFIRE_POLICIES),
      window: durationText.optional().meta({ description: "What is later than this is missed in any case." }),
      max: z.number().int().min(1).max(1000).optional().meta({ description: "catch_up: at most so many, the newest." }),
    }),
  ],
  { error: `must be one of ${MISFIRE_POLICIES.join(", ")}, or an object with policy, window and max` },
);

/** The delay before the attempt that follows the `failed`-th, in milliseconds. @param random from 0 up to 1 */
export function retryDelayMs(retry: Retry, failed: number, random: number): number {
  const base = parseDuration(retry.delay) ?? 0;
  const grown = retry.backoff === "exponential" ? base * 2 ** Math.min(failed - 1, 40) : base;
  const capped = Math.min(grown, parseDuration(retry.maxDelay) ?? grown);
  const jitter = retry.jitter ?? retry.backoff === "exponential";
  return Math.round(jitter ? capped * (1 - random / 2) : capped);
}
