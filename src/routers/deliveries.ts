// The URL table of deliveries: mail about executions.
import { z } from "zod";
import type { DeliveryController } from "../controllers/delivery-controller.js";
import { deliveryQuery, deliverySchema } from "../models/delivery.js";
import { idText, pageOf } from "../models/shapes.js";
import { route, type Route } from "./route.js";

const tag = "Deliveries";
const params = z.object({ id: idText });

export function deliveryRoutes(deliveries: DeliveryController): Route[] {
  return [
    route({
      method: "get",
      path: "/deliveries",
      tag,
      summary: "List deliveries, newest first",
      description: "Mail about executions that waits, was sent, or could not be sent within a day.",
      query: deliveryQuery,
      answers: { 200: { description: "A page of deliveries.", schema: pageOf(deliverySchema) } },
      handle: deliveries.list,
    }),
    route({
      method: "get",
      path: "/deliveries/:id",
      tag,
      summary: "Read a delivery",
      params,
      answers: { 200: { description: "The delivery.", schema: deliverySchema } },
      problems: [404],
      handle: deliveries.get,
    }),
    route({
      method: "post",
      path: "/deliveries/:id/retry",
      tag,
      summary: "Try a delivery that was not sent again at once, and for another day",
      params,
      answers: { 202: { description: "It is being tried.", schema: deliverySchema } },
      problems: [404, 409],
      handle: deliveries.retry,
    }),
  ];
}
