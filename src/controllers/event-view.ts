// How an event is shown: in lists, alone, and as it happens.
import type { Event } from "../entities/event.js";
import type { LoggedEvent } from "../handlers/event-log.js";
import type { EventView } from "../models/event.js";
import { toInstant } from "../models/shapes.js";

/** @param event a row, or one that was told just now */
export function showEvent(event: Event | LoggedEvent): EventView {
  const { type, id, name } = "subject" in event ? event.subject : subjectOf(event);
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
    archived: "archived" in event && event.archived,
  };
}

function subjectOf({ subjectType: type, subjectId: id, subjectName: name }: Event) {
  return { type, id, name };
}
