// The stream of one execution: what it tells, and the place by which a reader who comes again goes on.
import { z } from "zod";
import { logQuery } from "./execution.js";

export const executionStreamQuery = z.strictObject({
  attempt: logQuery.shape.attempt.meta({
    description: "Only this attempt; if left out, the present or last one and those that follow.",
  }),
});

/** The two streams of output, as readers know them. */
export const OUTPUTS = ["out", "err"] as const;
export type Output = (typeof OUTPUTS)[number];

/** All that a reader has had. */
export interface StreamPlace {
  /** The fingerprint of the status that was told last. */
  status: string;
  /** The attempt whose output is told; 0: none yet. */
  attempt: number;
  /** How many bytes of each of its logs. */
  out: number;
  err: number;
  /** The fingerprint of the progress that was told last. */
  progress: string;
  /** There is no more. */
  ended: boolean;
}

const NOTHING = "0";

export function beginning(): StreamPlace {
  return { status: NOTHING, attempt: 0, out: 0, err: 0, progress: NOTHING, ended: false };
}

/** As an id of a Server-Sent Event. */
export function formatPlace({ status, attempt, out, err, progress, ended }: StreamPlace): string {
  return [status, attempt, out, err, progress, ...(ended ? ["end"] : [])].join("-");
}

/** What formatPlace was given; null if this was never its result. */
export function parsePlace(text: string): StreamPlace | null {
  const match = /^([0-9a-z]{1,7})-(\d{1,3})-(\d{1,19})-(\d{1,19})-([0-9a-z]{1,7})(-end)?$/.exec(text);
  if (!match) return null;
  const [, status = "", attempt, out, err, progress = "", end] = match;
  return { status, attempt: Number(attempt), out: Number(out), err: Number(err), progress, ended: end !== undefined };
}

/** A few characters that another value hardly shares (FNV-1a, 32 bits); never the one that stands for nothing. */
export function fingerprint(value: unknown): string {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify(value)) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return ((hash >>> 0) + 1).toString(36);
}
