// The URL table of chain runs.
import { z } from "zod";
import type { ChainRunController } from "../controllers/chain-run-controller.js";
import { chainRunSchema } from "../models/chain-run.js";
import { idText } from "../models/shapes.js";
import { route, type Route } from "./route.js";

const tag = "Chain runs";
const params = z.object({ id: idText });

export function chainRunRoutes(chainRuns: ChainRunController): Route[] {
  return [
    route({
      method: "get",
      path: "/chain-runs/:id",
      tag,
      summary: "Read a chain run with its executions",
      params,
      answers: { 200: { description: "The chain run.", schema: chainRunSchema } },
      problems: [404],
      handle: chainRuns.get,
    }),
    route({
      method: "post",
      path: "/chain-runs/:id/cancel",
      tag,
      summary: "Cancel a whole chain run: what runs is ended, what would follow is recorded as aborted",
      params,
      answers: { 202: { description: "It is cancelled, or being cancelled.", schema: chainRunSchema } },
      problems: [404, 409],
      handle: chainRuns.cancel,
    }),
  ];
}
