// How a trigger is shown.
import { describeSchedule } from "../models/schedule-words.js";
import { toInstant } from "../models/shapes.js";
import type { FiringView, TriggerView } from "../models/trigger.js";
import { triggerEtag } from "../services/named-trigger.js";
import type { Firing } from "../services/trigger-firing.js";
import type { TriggerDetails } from "../services/trigger-service.js";
import { showExecution } from "./execution-view.js";
import { API } from "./reply.js";

export function showTrigger({ trigger, schedule, nextRuns }: TriggerDetails): TriggerView {
  const { id, kind, name, batchId, expression, onceAt, timeZone, dst, enabled, test, ofConfig, version } = trigger;
  return {
    ...{ id, kind, name },
    description: trigger.description ?? "",
    batchId,
    cron: expression,
    at: toInstant(onceAt),
    ...{ timeZone, dst },
    words: schedule ? describeSchedule(schedule) : "When it is fired",
    schema: trigger.payloadSchema,
    ...{ enabled, test, ofConfig },
    nextRuns: nextRuns.map((at) => toInstant(at)),
    version,
    fireUrl: kind === "api" ? `${API}/triggers/${id}/fire` : null,
    token: trigger.tokenPrefix === null ? null : { prefix: trigger.tokenPrefix },
    secrets: (trigger.secrets ?? []).map((secret) => ({ id: secret.id, createdAt: toInstant(secret.createdAt) })),
    lastFiredAt: toInstant(trigger.lastFiredAt),
    createdAt: toInstant(trigger.createdAt),
    createdBy: trigger.createdBy,
    updatedAt: toInstant(trigger.updatedAt ?? trigger.createdAt),
    etag: triggerEtag(trigger),
  };
}

export function showFiring({ eventId, execution }: Firing): FiringView {
  return { eventId, execution: execution && showExecution({ execution, earlier: [] }) };
}
