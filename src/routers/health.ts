// The URL table of health, outside the API's prefix and open to everybody.
import { z } from "zod";
import type { HealthController } from "../controllers/health-controller.js";
import { route, type Route } from "./route.js";

const report = z
  .object({
    status: z.enum(["ready", "unavailable"]),
    checks: z.record(z.string(), z.enum(["ok", "failed"])),
  })
  .meta({ id: "Health" });

export function healthRoutes(health: HealthController): Route[] {
  return [
    route({
      method: "get",
      path: "/health/live",
      tag: "Health",
      summary: "Is the process alive?",
      open: true,
      answers: { 200: { description: "It is.", schema: z.object({ status: z.literal("live") }) } },
      handle: health.live,
    }),
    route({
      method: "get",
      path: "/health/ready",
      tag: "Health",
      summary: "Can it work: database and folders?",
      open: true,
      answers: {
        200: { description: "It can.", schema: report },
        503: { description: "It cannot; the failed checks say why.", schema: report },
      },
      handle: health.ready,
    }),
  ];
}
