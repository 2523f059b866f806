// The URL table of the plan: what should run, why something ran or did not, and what a pause has left open.
import { z } from "zod";
import type { PlanController } from "../controllers/plan-controller.js";
import { gapSchema, plannedRunsSchema, planQuery } from "../models/plan.js";
import { batchReference } from "../models/shapes.js";
import { whyQuery, whySchema } from "../models/why.js";
import { route, type Route } from "./route.js";

const tag = "Plan";
const params = z.object({ id: batchReference });

export function planRoutes(plan: PlanController): Route[] {
  return [
    route({
      method: "get",
      path: "/planned-runs",
      tag,
      summary: "List what should run in a window, beside what did run",
      description:
        "Oldest first, with the batches of each chain and durations expected from history. What has passed comes from the " +
        "ledger. The work is bounded: a page looks at no more occurrences than its limit, however many the window holds.",
      query: planQuery,
      answers: { 200: { description: "A page of planned runs.", schema: plannedRunsSchema } },
      problems: [404],
      handle: plan.plannedRuns,
    }),
    route({
      method: "get",
      path: "/batches/:id/why",
      tag,
      summary: "Explain why a batch ran, did not run, or will or will not run at an instant",
      params,
      query: whyQuery,
      answers: { 200: { description: "The outcome, and every condition in words.", schema: whySchema } },
      problems: [404],
      handle: plan.why,
    }),
    route({
      method: "get",
      path: "/batches/:id/gap",
      tag,
      summary: "List the occurrences that passed while a batch was disabled",
      params,
      answers: { 200: { description: "The gap; empty for a batch that is not disabled itself.", schema: gapSchema } },
      problems: [404],
      handle: plan.gap,
    }),
  ];
}
