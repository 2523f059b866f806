// The URL table of what goes on as it happens: Server-Sent Events.
import { z } from "zod";
import type { EventStreamController } from "../controllers/event-stream-controller.js";
import type { ExecutionStreamController } from "../controllers/execution-stream-controller.js";
import { idText } from "../models/shapes.js";
import { executionStreamQuery } from "../models/execution-stream.js";
import { eventStreamQuery } from "../models/event-stream.js";
import { route, type Route } from "./route.js";

const mediaType = "text/event-stream";

export function streamRoutes(events: EventStreamController, executions: ExecutionStreamController): Route[] {
  return [
    route({
      method: "get",
      path: "/executions/:id/stream",
      tag: "Executions",
      summary: "Watch an execution as it runs",
      description:
        "Server-Sent Events up to its end: `status`, `progress`, `output`, `skipped`, `end`. First all that it has printed so " +
        "far, then each piece as it comes. The header Last-Event-ID goes on exactly where the reader was. See docs/live.md.",
      params: z.object({ id: idText }),
      query: executionStreamQuery,
      answers: {
        200: { description: "The stream.", mediaType },
        204: { description: "The reader has had all of it." },
      },
      problems: [404, 429],
      handle: executions.stream,
    }),
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
