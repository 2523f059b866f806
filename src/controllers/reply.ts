// What a controller answers: status, headers and a body, or a stream it takes over itself.
import type { ReceivedFile } from "../handlers/artifact-store/artifact-store.js";
import type { Actor } from "../models/actor.js";
import type { StoredAnswer } from "../models/idempotency.js";
import type { UploadReport } from "../models/upload.js";
import type { Conclude } from "../services/idempotency-service.js";

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
  /** Aborted when the service stops: an answer without an end of its own is soon broken off. */
  stopping: AbortSignal;
  /** Keeps the answer under the request's idempotency key; null: it has none. */
  keep: Conclude<StoredAnswer> | null;
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

/** What becomes of a result in the transaction that brings it about: the answer to it is kept, if the request has a key. */
export function concluding<T>({ keep }: Pick<Ask<unknown, unknown, unknown>, "keep">, show: (result: T) => Reply) {
  return async (...[transaction, result]: Parameters<Conclude<T>>): Promise<void> => {
    if (!keep) return;
    const { status, headers = {}, json = null } = show(result);
    await keep(transaction, { status, headers, json });
  };
}

/** The answer to an upload that was kept, or only checked. */
export function uploadReply<T>(outcome: { made: T } | { report: UploadReport }, show: (result: T) => Reply): Reply {
  if ("made" in outcome) return show(outcome.made);
  return { status: outcome.report.ok ? 200 : 422, json: outcome.report };
}
