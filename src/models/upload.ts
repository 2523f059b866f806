// Uploads before they are kept: what is asked of them, and the report on what they would be and do.
import { z } from "zod";
import { batchConfigSchema, scheduleOf, type BatchConfig } from "./batch-config.js";
import { clockChanges, clockChangeSchema } from "./clock-changes.js";
import { executionQuery } from "./execution.js";
import { findingSchema, hasErrors, type Finding } from "./finding.js";
import { nextOccurrences } from "./schedule.js";
import { describeSchedule } from "./schedule-words.js";
import { instantSchema, toInstant } from "./shapes.js";

const SHOWN_RUNS = 10;
const SHOWN_CLOCK_CHANGES = 2;

export const uploadQuery = z.strictObject({
  dryRun: z
    .enum(["0", "1"], "must be 0 or 1")
    .transform((text) => text === "1")
    .default(false)
    .meta({ description: "1: only check; nothing is kept, and the answer is the report." }),
  from: executionQuery.shape.from.meta({
    description: "The report's next runs are those after this; now if left out.",
  }),
});
/** Whether an upload is only to be checked, and from which instant on its next runs are told. */
export type UploadWish = z.output<typeof uploadQuery>;

const changeSchema = z.object({
  code: z.enum([
    "batch_made",
    "link_made",
    "link_removed",
    "version_made",
    "version_known",
    "version_restored",
    "version_activated",
    "config_changed",
  ]),
  text: z.string().meta({ description: "What would change, in a sentence." }),
});
/** One thing that an upload changes. */
export type Change = z.infer<typeof changeSchema>;

const previewSchema = z
  .object({
    name: z.string(),
    config: batchConfigSchema,
    schedule: z.string().nullable().meta({ description: "The schedule in words; null if it has none." }),
    nextRuns: z.array(instantSchema).meta({ description: "The next ten planned instants." }),
    clockChanges: z.array(clockChangeSchema).meta({ description: "The next two clock changes of its zone." }),
  })
  .meta({ id: "BatchPreview", description: "A batch as the upload would make it." });
export type BatchPreview = z.infer<typeof previewSchema>;

export const uploadReportSchema = z
  .object({
    ok: z.boolean().meta({ description: "False if any finding is an error: the upload is refused." }),
    findings: z.array(findingSchema).meta({ description: "Everything that was found, errors first." }),
    changes: z.array(changeSchema).meta({ description: "What the upload would change; empty if it is refused." }),
    batches: z
      .array(previewSchema)
      .meta({ description: "In the order of the configs; those that cannot be read are left out." }),
    batch: previewSchema.nullable().meta({ description: "The one batch of a single upload." }),
    nextRuns: z.array(instantSchema).meta({ description: "The next ten planned instants of that batch." }),
  })
  .meta({ id: "UploadReport", description: "What an upload is, and what it would do." });
/** The report on an upload, as the API answers it. */
export type UploadReport = z.infer<typeof uploadReportSchema>;

/** How a batch of this config would run. @param from its next runs are those after this instant, in ms since 1970 */
function previewOf(config: BatchConfig, from: number): BatchPreview {
  const schedule = scheduleOf(config);
  return {
    name: config.name,
    config,
    schedule: schedule && describeSchedule(schedule),
    nextRuns: schedule ? nextOccurrences(schedule, from, SHOWN_RUNS).map((at) => toInstant(at)) : [],
    clockChanges: clockChanges(config.timeZone, schedule, from, SHOWN_CLOCK_CHANGES),
  };
}

/** The report on an upload of these configs. */
export function uploadReport(
  findings: Finding[],
  { configs, changes, from }: { configs: BatchConfig[]; changes: Change[]; from: number },
): UploadReport {
  const batches = configs.map((config) => previewOf(config, from));
  const [only = null] = batches.length === 1 ? batches : [];
  const ok = !hasErrors(findings);
  const ordered = findings.toSorted((a, b) => a.level.localeCompare(b.level));
  return { ok, findings: ordered, changes: ok ? changes : [], batches, batch: only, nextRuns: only?.nextRuns ?? [] };
}
