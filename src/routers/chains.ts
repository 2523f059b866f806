// The URL table of chains.
import { z } from "zod";
import type { ChainController } from "../controllers/chain-controller.js";
import { chainSchema } from "../models/batch.js";
import { route, type Route } from "./route.js";

const MAX_ARCHIVES = 100;

export function chainRoutes(chains: ChainController): Route[] {
  return [
    route({
      method: "post",
      path: "/chains",
      tag: "Chains",
      summary: "Upload several batches that run one after another",
      description:
        "Each config names its archive by `script`; each follows the one before it, or those named in `after`.",
      multipart: { files: { batches: { maxCount: MAX_ARCHIVES, description: "The zips, one per config." } } },
      body: z.strictObject({
        config: z
          .string("the part `config` is missing: send an array of batch configs as a JSON field or file")
          .meta({ description: "An array of batch configs, in the order of the chain, as a field or as a file." }),
      }),
      answers: { 201: { description: "The new batches and links.", schema: chainSchema } },
      problems: [409, 413, 415, 422, 507],
      handle: chains.create,
    }),
  ];
}
