// The URL table of batches.
import { z } from "zod";
import type { BatchController } from "../controllers/batch-controller.js";
import { batchQuery, batchSchema, enableRequestSchema, removeQuery } from "../models/batch.js";
import { executionSchema, runRequestSchema } from "../models/execution.js";
import { batchReference, pageOf } from "../models/shapes.js";
import { route, type Route } from "./route.js";

const tag = "Batches";
const params = z.object({ id: batchReference });
const body = z.strictObject({
  config: z
    .string("the part `config` is missing: send the batch config as a JSON field or file")
    .meta({ description: "The batch config: a JSON document, as a field or as a file. See the schema BatchConfig." }),
});
const multipart = { files: { batch: { maxCount: 1, description: "The zip, with script.sh in its root." } } };
const created = { 201: { description: "The new batch; Location is its address.", schema: batchSchema } };
const uploadProblems = [409, 413, 415, 422, 507];

export function batchRoutes(batches: BatchController): Route[] {
  return [...uploadRoutes(batches), ...readRoutes(batches), ...actionRoutes(batches)];
}

function uploadRoutes(batches: BatchController): Route[] {
  return [
    route({
      method: "post",
      path: "/batches",
      tag,
      summary: "Upload a batch and schedule it",
      multipart,
      body,
      answers: created,
      problems: uploadProblems,
      handle: batches.create,
    }),
    route({
      method: "post",
      path: "/batches/:id/successors",
      tag,
      summary: "Upload a batch that runs after an existing one",
      params,
      multipart,
      body,
      answers: created,
      problems: [404, ...uploadProblems],
      handle: batches.attach,
    }),
  ];
}

function readRoutes(batches: BatchController): Route[] {
  return [
    route({
      method: "get",
      path: "/batches",
      tag,
      summary: "List batches, newest first",
      query: batchQuery,
      answers: { 200: { description: "A page of batches.", schema: pageOf(batchSchema) } },
      handle: batches.list,
    }),
    route({
      method: "get",
      path: "/batches/:id",
      tag,
      summary: "Read a batch, by id or by name",
      params,
      answers: { 200: { description: "The batch.", schema: batchSchema } },
      problems: [404],
      handle: batches.get,
    }),
    route({
      method: "get",
      path: "/batches/:id/artifact",
      tag,
      summary: "Download the zip as it was uploaded",
      params,
      answers: { 200: { description: "The zip, byte for byte.", mediaType: "application/zip" } },
      problems: [404],
      handle: batches.artifact,
    }),
  ];
}

function actionRoutes(batches: BatchController): Route[] {
  return [
    route({
      method: "post",
      path: "/batches/:id/run",
      tag,
      summary: "Run a batch now, alone or with its successors",
      params,
      body: runRequestSchema.optional(),
      answers: { 202: { description: "The execution; Location is its address.", schema: executionSchema } },
      problems: [404, 413, 415],
      handle: batches.run,
    }),
    route({
      method: "post",
      path: "/batches/:id/enable",
      tag,
      summary: "Restore a batch and what was withdrawn with it",
      description: "The body says which occurrences of the pause run after all, in line: none, the last one, or all.",
      params,
      body: enableRequestSchema.optional(),
      answers: { 200: { description: "The batch.", schema: batchSchema } },
      problems: [404, 409, 413, 415],
      handle: batches.enable,
    }),
    route({
      method: "post",
      path: "/batches/:id/disable",
      tag,
      summary: "Withdraw a batch and everything after it from scheduling; running scripts go on",
      params,
      answers: { 200: { description: "The batch.", schema: batchSchema } },
      problems: [404],
      handle: batches.disable,
    }),
    route({
      method: "delete",
      path: "/batches/:id",
      tag,
      summary: "Delete a batch; its executions and logs stay",
      params,
      query: removeQuery,
      answers: { 204: { description: "It is gone." } },
      problems: [404, 409],
      handle: batches.remove,
    }),
  ];
}
