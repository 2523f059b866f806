// Events: the kinds of things that happen, and what each is about.

export const EVENT_KINDS = [
  "batch.uploaded",
  "batch.edited",
  "batch.enabled",
  "batch.disabled",
  "batch.deleted",
  "version.uploaded",
  "version.activated",
  "trigger.created",
  "trigger.edited",
  "trigger.deleted",
  "trigger.fired",
  "trigger.missed",
  "execution.queued",
  "execution.waiting",
  "execution.retrying",
  "execution.started",
  "execution.progress",
  "execution.stopping",
  "execution.finished",
  "execution.skipped",
  "execution.missed",
  "execution.aborted",
  "delivery.sent",
  "delivery.failed",
  "delivery.retried",
  "token.made",
  "token.revoked",
  "retention.done",
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];
/** What an event tells beyond its kind and subject. */
export type EventPayload = Record<string, unknown>;
export type SubjectType = "batch" | "execution" | "trigger" | "token" | "service";

/** The kinds with which an execution is over; the last three are of those that never started. */
export const ENDS_OF_EXECUTIONS: readonly EventKind[] = [
  "execution.finished",
  "execution.skipped",
  "execution.missed",
  "execution.aborted",
];
