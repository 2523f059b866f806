// The status machine of an execution: which statuses there are, and which may follow which.

/** Statuses of an execution that has not ended yet. */
export const ACTIVE_STATUSES = ["queued", "waiting", "running", "stopping"] as const;
/** Statuses that never change again. */
export const FINAL_STATUSES = [
  "completed",
  "warned",
  "failed",
  "timed_out",
  "cancelled",
  "aborted",
  "skipped",
  "missed",
  "lost",
] as const;
export const EXECUTION_STATUSES = [...ACTIVE_STATUSES, ...FINAL_STATUSES] as const;

export type ActiveStatus = (typeof ACTIVE_STATUSES)[number];
export type FinalStatus = (typeof FINAL_STATUSES)[number];
export type ExecutionStatus = ActiveStatus | FinalStatus;

/**
 * Legal moves. A row may also be born `waiting`, or in any final status that needs no start: aborted, skipped, missed.
 * Back to `queued` goes what is to have another attempt.
 */
export const TRANSITIONS: Record<ActiveStatus, readonly ExecutionStatus[]> = {
  queued: ["running", "cancelled", "skipped"],
  waiting: ["queued", "cancelled", "skipped"],
  running: ["stopping", "queued", "completed", "warned", "failed", "lost"],
  stopping: ["queued", "cancelled", "timed_out", "lost"],
};

export function isFinal(status: ExecutionStatus): status is FinalStatus {
  return (FINAL_STATUSES as readonly string[]).includes(status);
}

/** The statuses from which `to` may be reached: the condition of every status update. */
export function statusesBefore(to: ExecutionStatus): ActiveStatus[] {
  return ACTIVE_STATUSES.filter((from) => TRANSITIONS[from].includes(to));
}
