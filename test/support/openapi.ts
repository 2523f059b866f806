// The parts of an OpenAPI document that tests look at, read strictly enough to be trusted and no further.
import { z } from "zod";
import type { TestApp } from "./app.js";

const operationSchema = z.object({
  summary: z.string().min(1),
  tags: z.array(z.string().min(1)).min(1),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(z.object({ name: z.string(), in: z.enum(["path", "query"]), required: z.boolean().optional() })),
  requestBody: z.object({ content: z.record(z.string(), z.unknown()) }).optional(),
  responses: z.record(
    z.string().regex(/^[2-5]\d\d$/),
    z.object({ description: z.string().min(1), content: z.record(z.string(), z.unknown()).optional() }),
  ),
});

export const documentSchema = z.object({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.object({ title: z.string().min(1), version: z.string().min(1) }),
  servers: z.array(z.object({ url: z.url() })).min(1),
  security: z.array(z.record(z.string(), z.array(z.string()))).min(1),
  paths: z.record(
    z.string().startsWith("/"),
    z.partialRecord(z.enum(["get", "post", "put", "patch", "delete"]), operationSchema),
  ),
  components: z.object({
    schemas: z.record(z.string(), z.looseObject({ description: z.string().optional() })),
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.string() })),
  }),
});

/** One operation with its place. */
export interface Operation extends z.output<typeof operationSchema> {
  method: string;
  /** With the parameters in braces. */
  path: string;
  /** False: anybody may call it. */
  guarded: boolean;
}

/** The document as a running service gives it to anybody. */
export async function fetchDocument({ app }: TestApp): Promise<z.output<typeof documentSchema>> {
  const response = await fetch(`${app.url}/api/v1/openapi.json`);
  return documentSchema.parse(await response.json());
}

/** Every operation of every path. */
export function operationsOf({ paths, security }: z.output<typeof documentSchema>): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      return { ...operation, method, path, guarded: (operation.security ?? security).length > 0 };
    }),
  );
}
