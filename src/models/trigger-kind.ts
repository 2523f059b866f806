// The kinds of triggers.

export const TRIGGER_KINDS = ["api", "once", "cron"] as const;
/** api: fires when it is asked to; once: at one instant; cron: again and again. */
export type TriggerKind = (typeof TRIGGER_KINDS)[number];
