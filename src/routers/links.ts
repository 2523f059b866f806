// The URL table of links: which version each starts.
import { z } from "zod";
import type { LinkController } from "../controllers/link-controller.js";
import { linkSchema } from "../models/batch.js";
import { pinRequestSchema } from "../models/pin.js";
import { idText } from "../models/shapes.js";
import { route, type Route } from "./route.js";

const params = z.object({ id: idText });

export function linkRoutes(links: LinkController): Route[] {
  return [
    route({
      method: "get",
      path: "/links/:id",
      tag: "Links",
      summary: "Read a link",
      params,
      answers: { 200: { description: "The link.", schema: linkSchema } },
      problems: [404],
      handle: links.get,
    }),
    route({
      method: "patch",
      path: "/links/:id",
      tag: "Links",
      summary: "Pin a link to a version of the batch that it starts, or to whichever is active",
      params,
      body: pinRequestSchema,
      answers: { 200: { description: "The link.", schema: linkSchema } },
      problems: [404, 409, 412, 413, 415],
      handle: links.pin,
    }),
  ];
}
