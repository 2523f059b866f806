// The URL table of events.
import { z } from "zod";
import type { EventController } from "../controllers/event-controller.js";
import { eventQuery, eventSchema } from "../models/event.js";
import { idText, pageOf } from "../models/shapes.js";
import { route, type Route } from "./route.js";

const tag = "Events";
const params = z.object({ id: idText });

export function eventRoutes(events: EventController): Route[] {
  return [
    route({
      method: "get",
      path: "/events",
      tag,
      summary: "List what has happened, newest first",
      description:
        "Without what is archived and what test triggers bring about, unless that is asked for. A page takes as long at any " +
        "depth; where it looks for text it may hold fewer events than its limit and yet have a next.",
      query: eventQuery,
      answers: { 200: { description: "A page of events.", schema: pageOf(eventSchema) } },
      handle: events.list,
    }),
    route({
      method: "get",
      path: "/events/:id",
      tag,
      summary: "Read an event",
      params,
      answers: { 200: { description: "The event.", schema: eventSchema } },
      problems: [404],
      handle: events.get,
    }),
  ];
}
