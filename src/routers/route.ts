// A route: one line of the URL table, with the schemas that check it and that the OpenAPI document is made from.
import type { z } from "zod";
import type { Ask, Reply } from "../controllers/reply.js";

type Schema = z.ZodType | undefined;
type Output<S extends Schema> = S extends z.ZodType ? z.output<S> : undefined;

/** The file parts of a multipart upload. Its text parts are checked by `body`. */
export interface Multipart {
  /** Part name to the most files it may have, and what they are. */
  files: Record<string, { maxCount: number; description: string }>;
}

export interface Answer {
  description: string;
  /** Absent: no JSON body. */
  schema?: z.ZodType;
  /** The media type of an answer that is not JSON. */
  mediaType?: string;
}

export interface Route {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** In Express' form, below the API's prefix. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** True: no token is asked for. */
  open?: boolean;
  params?: Schema;
  query?: Schema;
  body?: Schema;
  multipart?: Multipart;
  /** True: it fires the trigger `:id`, whose own token or signature lets in as well as a token of the API. */
  signable?: boolean;
  /** True: it makes something, and takes the header Idempotency-Key. */
  repeatable?: boolean;
  answers: Record<number, Answer>;
  /** Codes of problems it answers beside those that any route does. */
  problems?: number[];
  handle(ask: Ask<unknown, unknown, unknown>): Promise<Reply>;
}

type Typed<P extends Schema, Q extends Schema, B extends Schema> = Omit<
  Route,
  "params" | "query" | "body" | "handle"
> & {
  params?: P;
  query?: Q;
  body?: B;
  handle(ask: Ask<Output<P>, Output<Q>, Output<B>>): Promise<Reply>;
};

/** Declares a route; the compiler holds the controller's method to what the schemas yield. */
export function route<P extends Schema = undefined, Q extends Schema = undefined, B extends Schema = undefined>(
  typed: Typed<P, Q, B>,
): Route {
  return typed;
}
