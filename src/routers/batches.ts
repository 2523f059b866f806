// The URL table of batches.
import { z } from "zod";
import type { BatchController } from "../controllers/batch-controller.js";
import { batchQuery, batchSchema, enableRequestSchema, removeQuery } from "../models/batch.js";
import { executionSchema, runRequestSchema } from "../models/execution.js";
import { batchReference, pageOf } from "../models/shapes.js";
import { uploadQuery, uploadReportSchema } from "../models/upload.js";
import { route, type Route } from "./route.js";

const tag = "Batches";
const params = z.object({ id: batchReference });
const body = z.strictObject({
  config: z
    .string("the part `config` is missing: send the batch config as a JSON field or file")
    .meta({ description: "The batch config: a JSON document, as a field or as a file. See the schema BatchConfig." }),
});
const multipart = { files: { batch: { maxCount: 1, description: "The zip, with script.sh in its root." } } };
const created = {
  200: { description: "With dryRun: the report on an upload that would be taken.", schema: uploadReportSchema },
  201: { description: "The new batch; Location is its address.", schema: batchSchema },
};
const uploadProblems = [409, 413, 415, 422, 507];

export function batchRoutes(batches: BatchController): Route[] {
  return [...uploadRoutes(batches), ...readRoutes(batches), ...changeRoutes(batches), ...actionRoutes(batches)];
}

function uploadRoutes(batches: BatchController): Route[] {
  return [
    route({
      method: "post",
      path: "/batches",
      tag,
      summary: "Upload a batch and schedule it",
      query: uploadQuery,
      repeatable: true,
      multipart,
      body,
      answers: created,
      problems: uploadProblems,
      handle: batches.create,
    }),
    route({
      method: "post",
      path: "/batches/import",
      tag,
      summary: "Make a batch from the file that another one was exported to",
      query: uploadQuery,
      repeatable: true,
      multipart: { files: { export: { maxCount: 1, description: "The file of GET /batches/:id/export." } } },
      body: z.strictObject({
        name: z.string().min(1).max(512).optional().meta({ description: "Another name than the one it had." }),
      }),
      answers: created,
      problems: uploadProblems,
      handle: batches.import,
    }),
    route({
      method: "post",
      path: "/batches/:id/successors",
      tag,
      summary: "Upload a batch that runs after an existing one",
      params,
      query: uploadQuery,
      repeatable: true,
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
  ];
}

function changeRoutes(batches: BatchController): Route[] {
  return [
    route({
      method: "patch",
      path: "/batches/:id",
      tag,
      summary: "Edit a batch's config; its schedule is planned anew in the same step",
      description:
        "The body is a merge patch (RFC 7396) of the config: what it names changes, null takes away. Send the ETag that you " +
        "have read as If-Match, and an edit that somebody else made meanwhile is not overwritten.",
      params,
      query: uploadQuery,
      body: z.record(z.string(), z.json(), "must be an object with the keys to change").meta({ id: "BatchPatch" }),
      answers: {
        200: {
          description: "The batch as it is now; with dryRun the report.",
          schema: z.union([batchSchema, uploadReportSchema]),
        },
      },
      problems: [404, 409, 412, 413, 415, 422],
      handle: batches.edit,
    }),
    route({
      method: "delete",
      path: "/batches/:id",
      tag,
      summary: "Delete a batch; its executions and logs stay",
      params,
      query: removeQuery,
      answers: { 204: { description: "It is gone." } },
      problems: [404, 409, 412],
      handle: batches.remove,
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
      repeatable: true,
      answers: { 202: { description: "The execution; Location is its address.", schema: executionSchema } },
      problems: [404, 409, 413, 415],
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
  ];
}
