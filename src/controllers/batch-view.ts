// How a batch and its links are shown.
import type { Link } from "../entities/link.js";
import type { Trigger } from "../entities/trigger.js";
import type { BatchView, LinkView } from "../models/batch.js";
import type { BatchConfig } from "../models/batch-config.js";
import type { Schedule } from "../models/schedule.js";
import { describeSchedule } from "../models/schedule-words.js";
import { toInstant } from "../models/shapes.js";
import type { BatchDetails } from "../services/batch-details.js";
import { batchEtag } from "../services/named-batch.js";

export function showLink({ id, predecessorId, successorId, runOn, previousOutput, version }: Link): LinkView {
  return { id, predecessorId, successorId, runOn, independent: runOn === "always", previousOutput, version };
}

function showSchedule(
  config: BatchConfig,
  schedule: Schedule,
  trigger: Trigger | null,
): NonNullable<BatchView["schedule"]> {
  const { cron, at, every, timeZone, dst } = config;
  return {
    cron: cron ?? null,
    at: at === undefined ? null : toInstant(Date.parse(at)),
    every: every ?? null,
    timeZone,
    dst,
    words: describeSchedule(schedule),
    triggerId: trigger?.id ?? null,
    version: trigger?.version ?? null,
  };
}

export function showBatch({ batch, schedule, ...details }: BatchDetails): BatchView {
  const last = details.lastExecution;
  return {
    id: batch.id,
    name: batch.name,
    description: batch.description,
    kind: "script",
    group: null,
    owner: null,
    enabled: batch.enabled,
    disabledBy: details.disabledBy && { id: details.disabledBy.id, name: details.disabledBy.name },
    status: details.activeExecutions > 0 ? "running" : "idle",
    activeExecutions: details.activeExecutions,
    schedule: schedule && showSchedule(batch.config, schedule, details.trigger),
    nextRuns: details.nextRuns.map((at) => toInstant(at)),
    version: batch.version,
    configRevision: batch.configRevision,
    config: batch.config,
    predecessors: details.predecessors.map(showLink),
    successors: details.successors.map(showLink),
    lastExecution: last && {
      id: last.id,
      number: last.number,
      status: last.status,
      queuedAt: toInstant(last.queuedAt),
      finishedAt: toInstant(last.finishedAt),
    },
    createdAt: toInstant(batch.createdAt),
    updatedAt: toInstant(batch.updatedAt),
    etag: batchEtag(batch),
  };
}
