// Events: the kinds of things that happen, and what each is about.

export const EVENT_KINDS = [
  "batch.uploaded",
  "batch.edited",
  "batch.enabled",
  "batch.disabled",
  "batch.deleted",
  "version.uploaded",
  "version.activated",
  "execution.queued",
  "execution.waiting",
  "execution.retrying",
  "execution.started",
  "execution.stopping",
  "execution.finished",
  "delivery.sent",
  "delivery.failed",
  "delivery.retried",
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];
/** What an event tells beyond its kind and subject. */
export type EventPayload = Record<string, string | number | boolean | null>;
export type SubjectType = "batch" | "execution";
