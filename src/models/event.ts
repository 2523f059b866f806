// Events: the kinds of things that happen, what each is about, and how people and programs see and filter them.
import { z } from "zod";
import { actorSchema, type Actor } from "./actor.js";
import { EXECUTION_SOURCES, executionQuery } from "./execution.js";
import { noControlCharacters } from "./name.js";
import { batchReference, idSchema, idText, instantSchema, pageQuery } from "./shapes.js";

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

type Beginning<Kind extends EventKind> = Kind extends `${infer Word}.${string}` ? Word : never;

const SUBJECTS: Record<Beginning<EventKind>, SubjectType> = {
  batch: "batch",
  version: "batch",
  trigger: "trigger",
  execution: "execution",
  delivery: "execution",
  token: "token",
  retention: "service",
};

/** The kinds whose subjects are of a type. */
export function kindsAbout(type: SubjectType): EventKind[] {
  const beginnings = Object.entries(SUBJECTS).filter(([, subject]) => subject === type);
  return beginnings.flatMap(([beginning]) => kindsMeantBy(`${beginning}.*`));
}

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

/** A place in the order of all events: by instant, of the same by id. */
export interface EventPlace {
  /** In ms since 1970. */
  at: number;
  id: number;
}

const threeWay = (what: string) =>
  z
    .enum(["0", "1", "all"], "must be 0, 1 or all")
    .transform((text) => (text === "all" ? [0, 1] : [Number(text)]))
    .optional()
    .meta({ description: `0: without ${what}; 1: nothing but; all: both. 0, with \`execution\` all, if left out.` });

const kindFilter = z
  .string()
  .max(1000)
  .transform((text, context) => {
    const words = text.split(",");
    const stray = words.find((word) => kindsMeantBy(word).length === 0);
    if (stray !== undefined) {
      const message = `names no kind of event: ${stray.slice(0, 40)}; kinds are ${EVENT_KINDS.join(", ")}`;
      context.addIssue({ code: "custom", message });
    }
    return [...new Set(words.flatMap(kindsMeantBy))];
  })
  .optional()
  .meta({ description: "One or more kinds, or beginnings such as `batch.*`, with commas." });

const subjectFilter = z
  .string()
  .transform((text, context) => {
    const [, type, id] = /^(batch|execution|trigger|token):([1-9]\d{0,8})$/.exec(text) ?? [];
    if (type !== undefined) return { type: type as SubjectType, id: Number(id) };
    context.addIssue({ code: "custom", message: "must be batch, execution, trigger or token, a colon and an id" });
    return z.NEVER;
  })
  .optional()
  .meta({ description: "What it happened to, such as `trigger:5`." });

export const eventQuery = z
  .strictObject({
    kind: kindFilter,
    batch: batchReference.optional().meta({ description: "Id or name of the batch that it has to do with." }),
    execution: idText.optional().meta({ description: "Id of the execution that it has to do with." }),
    subject: subjectFilter,
    archived: threeWay("what is archived"),
    test: threeWay("what test triggers bring about"),
    from: executionQuery.shape.from,
    to: executionQuery.shape.to.meta({ description: "ISO 8601 with zone, itself left out." }),
    q: z
      .string()
      .min(1)
      .max(200)
      .refine(noControlCharacters, "must not hold control characters")
      .optional()
      .meta({ description: "Text in the subject's or actor's name, the kind or the payload, in upper or lower case." }),
    limit: pageQuery.limit,
    cursor: z
      .string()
      .max(64)
      .transform((text, context) => {
        const place = decodeEventCursor(text);
        if (place) return place;
        context.addIssue({ code: "custom", message: "must be the `next` of a page of events, unchanged" });
        return z.NEVER;
      })
      .optional()
      .meta({ description: "The `next` of the page before." }),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ["to"],
    error: "must lie after from",
  });
/** Filters of a list of events; instants in ms since 1970. */
export type EventFilter = z.output<typeof eventQuery>;

/** True if a text is part of what an event tells, in upper or lower case; of its payload as it is, or as JSON shows it. */
export function matchesText(
  { kind, subjectName, actor, payload }: { kind: string; subjectName: string; actor: Actor; payload: EventPayload },
  text: string,
): boolean {
  const holds = (whole: string, part = text) => whole.toLowerCase().includes(part.toLowerCase());
  const json = JSON.stringify(payload);
  return (
    [kind, subjectName, actor.name, json].some((word) => holds(word)) || holds(json, JSON.stringify(text).slice(1, -1))
  );
}

export function encodeEventCursor({ at, id }: EventPlace): string {
  return btoa(`event:${at}:${id}`).replaceAll("=", "");
}

export function decodeEventCursor(text: string): EventPlace | null {
  if (!/^[A-Za-z0-9+/]+$/.test(text) || text.length % 4 === 1) return null;
  const match = /^event:(-?\d{1,15}):(\d{1,9})$/.exec(atob(text));
  return match ? { at: Number(match[1]), id: Number(match[2]) } : null;
}
