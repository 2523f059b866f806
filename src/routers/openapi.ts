// The OpenAPI document, made from the same routes and schemas that serve.
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import { z, type ZodObject } from "zod";
import { API } from "../controllers/reply.js";
import { batchConfigSchema } from "../models/batch-config.js";
import { problemSchema } from "../models/problem.js";
import type { Answer, Route } from "./route.js";

const PROBLEMS: Record<number, string> = {
  400: "The request cannot be used; `errors` names every fault.",
  401: "No token, or one that is not known here.",
  404: "There is no such thing.",
  409: "It contradicts what is there.",
  412: "It has changed since it was read: If-Match is stale.",
  413: "The upload, or what it unpacks to, is too large.",
  415: "The body or the archive is of a kind that is not taken here.",
  422: "The archive cannot be taken; `errors` names the entries.",
  429: "Too much is under way or waiting; Retry-After says when to try again.",
  503: "Not at the moment; Retry-After says when to ask again.",
  507: "The disk is full.",
};

function bodyOf({ body, multipart }: Route): ZodOpenApiOperationObject["requestBody"] {
  if (!body) return undefined;
  if (!multipart) return { content: { "application/json": { schema: body } } };
  const files = Object.entries(multipart.files).map(([name, { maxCount, description }]) => {
    const file = z.string().meta({ type: "string", format: "binary", description });
    return [name, maxCount === 1 ? file : z.array(file).meta({ description })];
  });
  const schema = (body as ZodObject).extend(Object.fromEntries(files) as Record<string, z.ZodType>);
  return { required: true, content: { "multipart/form-data": { schema } } };
}

function answerOf({ description, schema, mediaType }: Answer) {
  if (mediaType) return { description, content: { [mediaType]: { schema: z.string().meta({ format: "binary" }) } } };
  return schema ? { description, content: { "application/json": { schema } } } : { description };
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const problems = [...(route.open ? [] : [400, 401]), ...(route.problems ?? [])].map((status): [number, object] => [
    status,
    { description: PROBLEMS[status] ?? "", content: { "application/problem+json": { schema: problemSchema } } },
  ]);
  const answers = Object.entries(route.answers).map(([status, answer]) => [status, answerOf(answer)]);
  const requestBody = bodyOf(route);
  return {
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(route.open ? { security: [] } : {}),
    requestParams: {
      ...(route.params ? { path: route.params as ZodObject } : {}),
      ...(route.query ? { query: route.query as ZodObject } : {}),
    },
    ...(requestBody ? { requestBody } : {}),
    responses: Object.fromEntries([...answers, ...problems]) as ZodOpenApiOperationObject["responses"],
  };
}

/** The whole document. @param publicUrl where people reach the service */
export function openApiDocument(routes: { prefix: string; routes: Route[] }[], publicUrl: string): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const { prefix, routes: table } of routes) {
    for (const route of table) {
      const path = prefix + route.path.replace(/[:*](\w+)/g, "{$1}");
      paths[path] = { ...paths[path], [route.method]: operationOf(route) };
    }
  }
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "Batchline",
      version: "1",
      description:
        "Upload a zip with a `script.sh` and a JSON config; it is scheduled, run, chained and logged. " +
        `Errors are RFC 9457 problem documents. Everything below ${API} needs a bearer token.`,
    },
    servers: [{ url: publicUrl }],
    security: [{ token: [] }],
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { BatchConfig: batchConfigSchema },
    },
    paths,
  });
}
