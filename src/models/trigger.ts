// Triggers: the three ways in which work is started, as people and programs see them.

export const TRIGGER_KINDS = ["api", "once", "cron"] as const;
export type TriggerKind = (typeof TRIGGER_KINDS)[number];

/** A JSON Schema as it was given: an object, or one of the two that let all or nothing pass. */
export type JsonSchema = boolean | { [keyword: string]: unknown };

/** A secret that firings are signed with, readable only by the service that has the key. */
export interface SealedSecret {
  /** 1 or above, never used again. */
  id: number;
  sealed: string;
  /** In ms since 1970. */
  createdAt: number;
}
