// The stream of events as they happen: what may be asked of it, and where a reader who comes again goes on.
import { z } from "zod";
import { eventQuery } from "./event.js";

const eventPlace = z
  .string()
  .regex(/^\d{1,19}$/, "must be the id of an event")
  .transform(Number);

export const eventStreamQuery = z.strictObject({
  kind: eventQuery.shape.kind,
  batch: eventQuery.shape.batch,
  execution: eventQuery.shape.execution,
  subject: eventQuery.shape.subject,
  test: eventQuery.shape.test,
  from: eventPlace.optional().meta({
    description: "Begins behind the event with this id; from now on, if left out. The header Last-Event-ID wins.",
  }),
});
/** Filters of a stream of events. */
export type EventStreamFilter = z.output<typeof eventStreamQuery>;

/** The event that a header Last-Event-ID names; null if that is no id of an event. */
export function parseEventPlace(header: string): number | null {
  return eventPlace.safeParse(header).data ?? null;
}
