// Deliveries: messages to people about executions, and what became of each.

export const DELIVERY_STATUSES = ["pending", "sent", "undelivered"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

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
