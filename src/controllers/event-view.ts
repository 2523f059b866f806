// How an event is shown: in lists, alone, and as it happens.
import type { Event } from "../entities/event.js";
import type { EventView } from "../models/event.js";
import { toInstant } from "../models/shapes.js";

export function showEvent(event: Event): EventView {
  const { subjectType: type, subjectId: id, subjectName: name } = event;
  return {
    id: event.id,
    kind: event.kind,
    occurredAt: toInstant(event.occurredAt),
    subject: { type, id: type === "service" ? null : id, name },
    batchId: event.batchId,
    executionId: event.executionId,
    source: event.source,
    actor: event.actor,
    payload: event.payload,
    test: event.test,
    archived: event.archived,
  };
}
