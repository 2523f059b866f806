// What a controller answers: status, headers and a body, or a stream it takes over itself.
import type { Actor } from "../models/actor.js";
import type { ReceivedFile } from "../services/registration.js";

/** A request after its checks. */
export interface Ask<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The files of a multipart upload, by part name. */
  files: Record<string, ReceivedFile[]>;
  /** Who asks; on open routes nobody in particular. */
  actor: Actor;
  headers: Record<string, string | undefined>;
  /** Aborted when the client has gone. */
  gone: AbortSignal;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** JSON; absent: no body. */
  json?: unknown;
  /** Bytes instead of JSON; closed by whoever sends them. */
  bytes?: AsyncIterable<Buffer>;
  /** True: the bytes go on as long as something lives that may outlive the service. */
  live?: boolean;
  /** A file of the service's own instead of JSON. */
  file?: string;
}

export const API = "/api/v1";

export function ok(json: unknown): Reply {
  return { status: 200, json };
}

/** 201 or 202 with the address of what was made. */
export function made(status: 201 | 202, location: string, json: unknown): Reply {
  return { status, headers: { Location: location }, json };
}
