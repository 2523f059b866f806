// A trigger as a document: how it is written, how what is written is checked, and what columns it becomes.
import type { Trigger } from "../entities/trigger.js";
import { AppError, type Fault } from "../errors.js";
import type { SchemaChecker } from "../handlers/json-schema/schema-checker.js";
import { faultsOf } from "../models/faults.js";
import { schemaRefusal } from "../models/json-schema.js";
import { mergePatch } from "../models/merge-patch.js";
import { pastInstant, scheduleOfKeys } from "../models/schedule-keys.js";
import { toInstant } from "../models/shapes.js";
import { TRIGGER_KEYS, triggerRequestSchema, type TriggerDocument } from "../models/trigger.js";
import { scheduleColumns, type ScheduleColumns } from "./new-trigger.js";
import { paceFindings } from "./upload-config.js";

/** What documents are held against. */
export interface DocumentRules {
  /** In ms since 1970. */
  now: number;
  /** The shortest time between two planned runs. */
  minIntervalMs: number;
}

/** The columns of a trigger that its document settles, the batch left out. */
type WrittenColumns = ScheduleColumns &
  Pick<Trigger, "name" | "description" | "payloadSchema" | "enabled" | "test" | "version">;

/** The document that a merge patch (RFC 7396) makes of another one. @throws AppError `invalid` with every fault */
export function patchedDocument(before: TriggerDocument, patch: unknown): TriggerDocument {
  const parsed = triggerRequestSchema.safeParse(mergePatch(before, patch));
  if (parsed.success) return parsed.data;
  throw refusal(faultsOf(parsed.error, "", TRIGGER_KEYS));
}

/**
 * Holds a trigger against the clock and the settings.
 *
 * @param before the document that it replaces, if it does: an instant that has passed since is no fault if it is left alone
 * @throws AppError `invalid` with every fault
 */
export function refuseBadTimes(trigger: TriggerDocument, rules: DocumentRules, before?: TriggerDocument): void {
  const faults: Fault[] = [];
  const isNew =
    trigger.at !== undefined && (before?.at === undefined || Date.parse(trigger.at) !== Date.parse(before.at));
  if (isNew && Date.parse(trigger.at ?? "") <= rules.now)
    faults.push({ pointer: "/at", message: pastInstant(rules.now) });
  for (const { level, pointer, message } of paceFindings(trigger, "", rules))
    if (level === "error") faults.push({ pointer: pointer ?? "", message });
  if (faults.length > 0) throw refusal(faults);
}

/** @throws AppError `unprocessable` if the schema of its payloads cannot be used */
export async function refuseBadSchema({ schema }: TriggerDocument, schemas: SchemaChecker): Promise<void> {
  if (schema === undefined) return;
  const faults = await schemas.check(schema);
  if (faults.length > 0) throw schemaRefusal("The trigger cannot be used", "/schema", faults);
}

function refusal(errors: Fault[]): AppError {
  const detail = errors.map(({ pointer, message }) => `${pointer || "the trigger"} ${message}`).join("; ");
  return new AppError("invalid", `The trigger cannot be used: ${detail}.`, { reason: "invalid_trigger", errors });
}

/** The document that a trigger stands for: written again it would be the same. @param batchName names one without a name */
export function documentOf(trigger: Trigger, batchName: string): TriggerDocument {
  const { kind, expression, onceAt, payloadSchema } = trigger;
  const { batchId: batch, timeZone, dst, enabled, test, version } = trigger;
  return {
    name: trigger.name ?? batchName,
    description: trigger.description ?? "",
    ...{ kind, batch, timeZone, dst, enabled, test, version },
    ...(kind === "cron" && expression !== null ? { cron: expression } : {}),
    ...(kind === "once" && onceAt !== null ? { at: toInstant(onceAt) } : {}),
    ...(payloadSchema === null ? {} : { schema: payloadSchema }),
  };
}

export function columnsOf(document: TriggerDocument): WrittenColumns {
  const { name, description, schema, enabled, test, version, kind, timeZone, dst } = document;
  const schedule = scheduleOfKeys(document);
  const columns = schedule ? scheduleColumns(schedule) : { kind, expression: null, timeZone, dst, onceAt: null };
  return { ...columns, name, description, payloadSchema: schema ?? null, enabled, test, version };
}
