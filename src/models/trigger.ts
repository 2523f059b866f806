// Triggers: the three ways in which work is started, as people and programs see them.
import { z } from "zod";
import { actorSchema } from "./actor.js";
import { executionSchema } from "./execution.js";
import { pinnedVersion } from "./pin.js";
import { durationText } from "./policies.js";
import { parseDuration } from "./duration.js";
import { noControlCharacters } from "./name.js";
import { scheduleKeys, waysGiven } from "./schedule-keys.js";
import { batchReference, idSchema, instantSchema, pageQuery, testFilter } from "./shapes.js";
import { TRIGGER_KINDS, type TriggerKind } from "./trigger-kind.js";

/** A JSON Schema as it was given: an object, or one of the two that let all or nothing pass. */
export type JsonSchema = boolean | { [keyword: string]: unknown };

/** A secret that firings are signed with, readable only by the service that has the key. */
export interface SealedSecret {
  /** 1 or above; the next one gets a greater. */
  id: number;
  sealed: string;
  /** In ms since 1970. */
  createdAt: number;
}

/** How many secrets of a trigger may live at once: the one in use, and the one that is to follow it. */
export const MAX_SECRETS = 2;

const name = z
  .string()
  .min(1, "must not be empty")
  .max(128, "must have at most 128 characters")
  .refine((text) => text.trim() === text, "must not begin or end with white space")
  .refine(noControlCharacters, "must not hold control characters");

const shape = {
  name: name.meta({ description: "1 to 128 characters." }),
  description: z
    .string()
    .max(1000, "must have at most 1000 characters")
    .refine((text) => !text.includes("\0"), "must not hold a NUL character")
    .default("")
    .meta({ description: "What it is for." }),
  kind: z.enum(TRIGGER_KINDS, "must be api, once or cron").meta({
    description: "api: fires when it is asked to; once: at one instant; cron: again and again.",
  }),
  batch: z
    .union([idSchema, batchReference], "must be the id or the name of a batch, or null")
    .nullable()
    .default(null)
    .meta({ description: "The batch that it runs, by id or name; null: its firing is an event and no more." }),
  ...scheduleKeys,
  schema: z
    .union([z.boolean(), z.record(z.string(), z.unknown())], "must be a JSON Schema: an object, true or false")
    .optional()
    .meta({ description: "Of kind api: the JSON Schema that payloads must fit; see docs/schemas.md." }),
  enabled: z.boolean().default(true).meta({ description: "May it fire?" }),
  test: z.boolean().default(false).meta({
    description: "True: it is left out of lists, fires once with marked events, and is deleted by that.",
  }),
  version: pinnedVersion.default(null).meta({ description: "The version that it starts; null: whichever is active." }),
};

type Shape = z.output<z.ZodObject<typeof shape>>;

/** What a kind must have of a schedule, and may not have. */
const WAYS: Record<TriggerKind, { allowed: readonly string[]; words: string }> = {
  api: { allowed: [], words: "it fires when it is asked to" },
  once: { allowed: ["at"], words: "its one instant is given as at" },
  cron: { allowed: ["cron", "every"], words: "its schedule is given as cron or every" },
};

function checkKind(trigger: Shape, complain: (key: string, message: string) => void): void {
  const { allowed, words } = WAYS[trigger.kind];
  const given = waysGiven(trigger);
  for (const key of given) if (!allowed.includes(key)) complain(key, `does not go with kind ${trigger.kind}: ${words}`);
  const [way] = allowed;
  if (way && !given.some((key) => allowed.includes(key)))
    complain(way, `is missing: of kind ${trigger.kind}, ${words}`);
  if (trigger.kind === "cron" && given.includes("cron") && given.includes("every"))
    complain("every", "give only one of cron and every");
  if (trigger.kind !== "api" && trigger.schema !== undefined)
    complain("schema", "goes with kind api only: no other has a payload");
  if (trigger.version !== null && trigger.batch === null)
    complain("version", "goes with a batch only, and this trigger runs none");
}

export const triggerRequestSchema = z
  .strictObject(shape)
  .superRefine((trigger, context) => {
    checkKind(trigger, (key, message) => context.addIssue({ code: "custom", path: [key], message }));
  })
  .meta({ id: "TriggerRequest", description: "A trigger as it is written." });
/** What a person writes: all but name and kind may be left out. */
export type TriggerRequest = z.input<typeof triggerRequestSchema>;
/** The same with every default filled in. */
export type TriggerDocument = z.output<typeof triggerRequestSchema>;
/** The keys that it may have. */
export const TRIGGER_KEYS = Object.keys(shape);

export const triggerPatchSchema = z.looseObject({}).meta({
  id: "TriggerPatch",
  description: "A merge patch (RFC 7396) of a trigger: the keys that change; null takes one away.",
});

export const triggerSchema = z
  .object({
    id: idSchema,
    kind: z.enum(TRIGGER_KINDS),
    name: z.string().nullable().meta({ description: "Null where it came with its batch's config." }),
    description: z.string(),
    batchId: idSchema.nullable().meta({ description: "The batch that it runs; null: none." }),
    cron: z.string().nullable().meta({ description: "Also where a named frequency was given." }),
    at: instantSchema.nullable(),
    timeZone: z.string(),
    dst: z.enum(["next_valid", "skip", "both"]),
    words: z.string().meta({ description: "When it fires, in words." }),
    schema: z.unknown().meta({ description: "The JSON Schema of its payloads; null: anything goes." }),
    enabled: z.boolean().meta({ description: "Its own switch; the batch that it runs has another one." }),
    test: z.boolean(),
    ofConfig: z.boolean().meta({ description: "True: it follows the schedule in its batch's config." }),
    nextRuns: z
      .array(instantSchema)
      .meta({ description: "The next five planned instants; none while it or its batch is disabled." }),
    version: z.number().int().nullable().meta({ description: "The version that it starts; null: the active one." }),
    fireUrl: z.string().nullable().meta({ description: "Where it is fired; null unless its kind is api." }),
    token: z
      .object({ prefix: z.string() })
      .nullable()
      .meta({ description: "How its own token begins; null: it has none." }),
    secrets: z
      .array(z.object({ id: z.number().int(), createdAt: instantSchema }))
      .meta({ description: "The secrets that its firings may be signed with, themselves left out." }),
    lastFiredAt: instantSchema.nullable(),
    createdAt: instantSchema,
    createdBy: actorSchema.nullable(),
    updatedAt: instantSchema,
    etag: z.string(),
  })
  .meta({ id: "Trigger", description: "A reason for a batch to run, or for an event alone." });
/** A trigger as the API answers it. */
export type TriggerView = z.infer<typeof triggerSchema>;

export const triggerQuery = z.strictObject({
  kind: z.enum(TRIGGER_KINDS, "must be api, once or cron").optional(),
  batch: batchReference.optional(),
  enabled: z
    .enum(["true", "false"], "must be true or false")
    .transform((text) => text === "true")
    .optional(),
  test: testFilter,
  search: z.string().max(100).optional().meta({ description: "Part of the name." }),
  ...pageQuery,
});
/** Filters of a list of triggers. */
export type TriggerFilter = z.output<typeof triggerQuery>;

export const fireRequestSchema = z
  .strictObject({
    payload: z.unknown().optional().meta({
      description: "Any JSON that fits the schema; the script finds it in the file BATCHLINE_PAYLOAD.",
    }),
  })
  .meta({ id: "FireRequest" });
export type FireRequest = z.output<typeof fireRequestSchema>;

/** The longest that an answer may be waited for. */
const MAX_WAIT_MS = 60_000;

export const fireQuery = z.strictObject({
  wait: durationText
    .refine((text) => (parseDuration(text) ?? 0) <= MAX_WAIT_MS, "must be at most 60s")
    .transform((text) => parseDuration(text) ?? 0)
    .optional()
    .meta({ description: "Wait so long for the execution's end, such as 30s; at most 60s." }),
});

export const firingSchema = z
  .object({
    eventId: z.number().int().meta({ description: "The event that tells of the firing." }),
    execution: executionSchema.nullable().meta({ description: "What it started; null: it runs no batch." }),
  })
  .meta({ id: "Firing", description: "What a firing has brought about." });
/** What a firing has brought about, as the API answers it. */
export type FiringView = z.infer<typeof firingSchema>;

export const triggerTokenSchema = z
  .object({ token: z.string().meta({ description: "Shown this once." }), prefix: z.string() })
  .meta({ id: "TriggerToken" });
export const triggerSecretSchema = z
  .object({ id: z.number().int(), secret: z.string().meta({ description: "Shown this once." }) })
  .meta({ id: "TriggerSecret" });
