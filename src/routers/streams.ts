// The URL table of what goes on as it happens: Server-Sent Events.
import type { EventStreamController } from "../controllers/event-stream-controller.js";
import { eventStreamQuery } from "../models/event-stream.js";
import { route, type Route } from "./route.js";

const mediaType = "text/event-stream";

export function streamRoutes(events: EventStreamController): Route[] {
  return [
    route({
      method: "get",
      path: "/events/stream",
      tag: "Events",
      summary: "Watch events as they happen",
      description:
        "Server-Sent Events without an end: `event`, each with its id, and `expired` if some are gone for their age. " +
        "The header Last-Event-ID goes on behind that event: none is missed, none comes twice. See docs/live.md.",
      query: eventStreamQuery,
      answers: { 200: { description: "The stream.", mediaType } },
      problems: [404, 429],
      handle: events.stream,
    }),
  ];
}
