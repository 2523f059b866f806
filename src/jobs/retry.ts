// Retry: whether an ended attempt is followed by another one, and when.
import { Attempt } from "../entities/attempt.js";
import { Execution } from "../entities/execution.js";
import type { BatchConfig } from "../models/batch-config.js";
import { retryDelayMs, type Retry } from "../models/policies.js";
import { toInstant } from "../models/shapes.js";
import type { Conclusion } from "./ending.js";

/** What a config says of the time after an attempt. */
export type Aftermath = Pick<BatchConfig, "retry" | "warningExitCodes">;

/** The columns that send an execution back to the queue for its next attempt. */
export type Requeue = Partial<Execution> & { status: "queued"; retryAt: number };

function deserves(retry: Retry, { status, exitCode }: Conclusion): boolean {
  if (status === "lost") return retry.onLost;
  if (status !== "failed" && status !== "timed_out") return false;
  return (
    retry.exitCodes === undefined || (exitCode !== null && exitCode !== undefined && retry.exitCodes.includes(exitCode))
  );
}

/**
 * What another attempt asks of the row; null if there is none: it ended well, was told to end, or has had its last.
 *
 * @param random from 0 up to 1
 */
export function requeue(
  execution: Execution,
  conclusion: Conclusion,
  retry: Retry | undefined,
  random: number,
): Requeue | null {
  if (!retry || execution.attempt >= retry.attempts || !deserves(retry, conclusion)) return null;
  const retryAt = conclusion.finishedAt + retryDelayMs(retry, execution.attempt, random);
  const what = conclusion.reasonText ?? execution.reasonText ?? "The attempt failed.";
  const next = `Attempt ${execution.attempt + 1} of ${retry.attempts} starts at ${toInstant(retryAt)}.`;
  const { logBytes, logTruncated, errorLogBytes, errorLogTruncated } = ended(execution, conclusion);
  return {
    status: "queued",
    retryAt,
    stopAs: null,
    reasonCode: "retry",
    reasonText: `${what} ${next}`,
    ...{ logBytes, logTruncated, errorLogBytes: errorLogBytes ?? 0, errorLogTruncated },
  };
}

/** The record of an attempt that is followed by another. */
export function attemptOf(execution: Execution, conclusion: Conclusion): Attempt {
  const row = ended(execution, conclusion);
  return Object.assign(new Attempt(), {
    executionId: execution.id,
    number: execution.attempt,
    status: conclusion.status,
    reasonCode: row.reasonCode,
    reasonText: row.reasonText,
    startedAt: row.startedAt,
    finishedAt: conclusion.finishedAt,
    exitCode: row.exitCode,
    signal: row.signal,
    logBytes: row.logBytes,
    logTruncated: row.logTruncated,
    errorLogBytes: row.errorLogBytes,
    errorLogTruncated: row.errorLogTruncated,
  });
}

/** The row as it would be if the attempt were the last. */
function ended(execution: Execution, conclusion: Conclusion): Execution {
  return Object.assign(new Execution(), execution, conclusion);
}
