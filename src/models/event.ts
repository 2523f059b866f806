// Events: the kinds of things that happen, what each is about, and how people and programs see and filter them.
import { z } from "zod";
import { actorSchema } from "./actor.js";
import { EXECUTION_SOURCES } from "./execution.js";
import { idSchema, instantSchema } from "./shapes.js";

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

export const SUBJECT_TYPES = ["batch", "execution", "trigger", "token", "service"] as const;
export type SubjectType = (typeof SUBJECT_TYPES)[number];

/** The kinds with which an execution is over; the last three are of those that never started. */
export const ENDS_OF_EXECUTIONS: readonly EventKind[] = [
  "execution.finished",
  "execution.skipped",
  "execution.missed",
  "execution.aborted",
];

/** The kinds that a word means: one kind, or a beginning such as `batch.*`; none if it means nothing. */
export function kindsMeantBy(word: string): EventKind[] {
  return EVENT_KINDS.filter((kind) => (word.endsWith(".*") ? kind.startsWith(word.slice(0, -1)) : kind === word));
}

export const eventSchema = z
  .object({
    id: idSchema,
    kind: z.enum(EVENT_KINDS).meta({ description: "What happened; see docs/events.md." }),
    occurredAt: instantSchema,
    subject: z
      .object({
        type: z.enum(SUBJECT_TYPES),
        id: idSchema.nullable().meta({ description: "Null where there is but one of its type: the service." }),
        name: z.string().meta({ description: "Its name at that time; survives deletion." }),
      })
      .meta({ description: "What it happened to." }),
    batchId: idSchema.nullable().meta({ description: "The batch that it has to do with." }),
    executionId: idSchema.nullable().meta({ description: "The execution that it has to do with." }),
    source: z.enum(EXECUTION_SOURCES).meta({ description: "What brought it about." }),
    actor: actorSchema,
    payload: z.record(z.string(), z.unknown()).meta({ description: "What else there is to tell, by kind." }),
    test: z.boolean().meta({ description: "True if a test trigger brought it about." }),
    archived: z.boolean().meta({ description: "True if it is past the age at which lists show it unasked." }),
  })
  .meta({ id: "Event", description: "Something that happened. It never changes, but is archived and deleted by age." });
/** An event as the API answers it. */
export type EventView = z.infer<typeof eventSchema>;
