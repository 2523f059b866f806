// The URL table of triggers and links: which version each starts.
import { z } from "zod";
import type { PinController } from "../controllers/pin-controller.js";
import { linkSchema } from "../models/batch.js";
import { pinRequestSchema, triggerSchema } from "../models/pin.js";
import { idText } from "../models/shapes.js";
import { route, type Route } from "./route.js";

const params = z.object({ id: idText });
const problems = [404, 409, 412, 413, 415];

export function pinRoutes(pins: PinController): Route[] {
  return [
    route({
      method: "get",
      path: "/triggers/:id",
      tag: "Triggers",
      summary: "Read a trigger",
      params,
      answers: { 200: { description: "The trigger.", schema: triggerSchema } },
      problems: [404],
      handle: pins.trigger,
    }),
    route({
      method: "patch",
      path: "/triggers/:id",
      tag: "Triggers",
      summary: "Pin a trigger to a version of its batch, or to whichever is active",
      params,
      body: pinRequestSchema,
      answers: { 200: { description: "The trigger.", schema: triggerSchema } },
      problems,
      handle: pins.pinTrigger,
    }),
    route({
      method: "get",
      path: "/links/:id",
      tag: "Links",
      summary: "Read a link",
      params,
      answers: { 200: { description: "The link.", schema: linkSchema } },
      problems: [404],
      handle: pins.link,
    }),
    route({
      method: "patch",
      path: "/links/:id",
      tag: "Links",
      summary: "Pin a link to a version of the batch that it starts, or to whichever is active",
      params,
      body: pinRequestSchema,
      answers: { 200: { description: "The link.", schema: linkSchema } },
      problems,
      handle: pins.pinLink,
    }),
  ];
}
