// The URL table of what is looked up in logs.
import type { LogController } from "../controllers/log-controller.js";
import {
  batchSearchParams,
  batchSearchQuery,
  batchSearchSchema,
  firstErrorQuery,
  firstErrorSchema,
  logLinesQuery,
  logLinesSchema,
  logSearchParams,
  logSearchQuery,
  logSearchSchema,
} from "../models/log-reading.js";
import { route, type Route } from "./route.js";

const tag = "Logs";
const problems = [404, 503];

export function logRoutes(logs: LogController): Route[] {
  return [
    route({
      method: "get",
      path: "/executions/:id/log/search",
      tag,
      summary: "Find a text in a log",
      description: "Matching lines in order with their numbers and surroundings; the counts are exact at any size.",
      params: logSearchParams,
      query: logSearchQuery,
      answers: { 200: { description: "A page of matching lines.", schema: logSearchSchema } },
      problems,
      handle: logs.search,
    }),
    route({
      method: "get",
      path: "/executions/:id/log/lines",
      tag,
      summary: "Read lines of a log by their numbers",
      params: logSearchParams,
      query: logLinesQuery,
      answers: { 200: { description: "The lines; none if the log has fewer.", schema: logLinesSchema } },
      problems,
      handle: logs.lines,
    }),
    route({
      method: "get",
      path: "/executions/:id/log/first-error",
      tag,
      summary: "Find the first line that looks like an error",
      description: "The error log is looked through first. What looks like an error is listed in docs/logs.md.",
      params: logSearchParams,
      query: firstErrorQuery,
      answers: { 200: { description: "The line, or that there is none.", schema: firstErrorSchema } },
      problems,
      handle: logs.firstError,
    }),
    route({
      method: "get",
      path: "/batches/:id/log/search",
      tag,
      summary: "Find a text in the logs of a batch's executions, newest first",
      description: "Of each execution the last attempt. An answer looks through 50 executions or 256 MiB at most.",
      params: batchSearchParams,
      query: batchSearchQuery,
      answers: { 200: { description: "The executions that have it.", schema: batchSearchSchema } },
      problems,
      handle: logs.searchBatch,
    }),
  ];
}
