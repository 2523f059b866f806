// The URL table of executions and their logs.
import { z } from "zod";
import type { ExecutionController } from "../controllers/execution-controller.js";
import { executionQuery, executionSchema, logQuery, rerunRequestSchema } from "../models/execution.js";
import { idText, pageOf } from "../models/shapes.js";
import { route, type Route } from "./route.js";

const tag = "Executions";
const params = z.object({ id: idText });
const text = "text/plain";
const logAnswers = {
  200: { description: "The log, or its last lines, or a stream that ends with the execution.", mediaType: text },
  206: { description: "The range asked for.", mediaType: text },
  416: { description: "The range lies beyond the end; Content-Range tells the size." },
};

export function executionRoutes(executions: ExecutionController): Route[] {
  return [...rowRoutes(executions), ...logRoutes(executions)];
}

function rowRoutes(executions: ExecutionController): Route[] {
  return [
    route({
      method: "get",
      path: "/executions",
      tag,
      summary: "List executions, newest first",
      query: executionQuery,
      answers: { 200: { description: "A page of executions.", schema: pageOf(executionSchema) } },
      handle: executions.list,
    }),
    route({
      method: "get",
      path: "/executions/:id",
      tag,
      summary: "Read an execution",
      params,
      answers: { 200: { description: "The execution.", schema: executionSchema } },
      problems: [404],
      handle: executions.get,
    }),
    route({
      method: "post",
      path: "/executions/:id/cancel",
      tag,
      summary: "End an execution early: TERM to its whole process tree, then KILL",
      params,
      answers: { 202: { description: "It is cancelled, or stopping.", schema: executionSchema } },
      problems: [404, 409],
      handle: executions.cancel,
    }),
    route({
      method: "post",
      path: "/executions/:id/rerun",
      tag,
      summary: "Run it once more: as it was, or with the latest version",
      description: "With its arguments, payload and inputs, and the planned instant that it was told.",
      params,
      body: rerunRequestSchema.optional(),
      repeatable: true,
      answers: { 202: { description: "The new execution; Location is its address.", schema: executionSchema } },
      problems: [404, 409, 413, 415],
      handle: executions.rerun,
    }),
  ];
}

function logRoutes(executions: ExecutionController): Route[] {
  return [
    route({
      method: "get",
      path: "/executions/:id/log",
      tag,
      summary: "Download what the script printed on standard output",
      description: "One byte range by the header Range; the last lines by `tail`; `follow=1` streams on until the end.",
      params,
      query: logQuery,
      answers: logAnswers,
      problems: [404],
      handle: executions.log,
    }),
    route({
      method: "get",
      path: "/executions/:id/error-log",
      tag,
      summary: "Download what the script printed on standard error",
      description: "Kept when there is anything in it, or the execution did not succeed; else 404 with the reason.",
      params,
      query: logQuery,
      answers: logAnswers,
      problems: [404],
      handle: executions.errorLog,
    }),
  ];
}
