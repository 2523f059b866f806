// Serves one route: authenticates, checks the request by its schemas, calls the controller, sends the reply.
import { setMaxListeners } from "node:events";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import express, { type Request, type RequestHandler, type Response } from "express";
import type { Ask, Reply } from "../controllers/reply.js";
import { AppError } from "../errors.js";
import { faultsOf } from "../models/faults.js";
import { jsonRefusal, readJson as readText, utf8Text } from "../models/json.js";
import type { z } from "zod";
import type { AccessService } from "../services/access-service.js";
import type { IdempotencyService, KeyedRequest } from "../services/idempotency-service.js";
import type { TriggerAccess } from "../services/trigger-access.js";
import type { Route } from "./route.js";
import { callerOf, signerOf, type Caller } from "./middleware/authenticate.js";
import { uploadReader, type Upload, type UploadOptions } from "./middleware/upload.js";

export interface ServeOptions {
  access: AccessService;
  triggerAccess: TriggerAccess;
  idempotency: IdempotencyService;
  upload: UploadOptions;
  /** Aborted when the service stops: answers without an end of their own are then broken off. */
  stopping: AbortSignal;
}

const REPLAYED =
  "This very signature was sent before: sign each firing anew. To send one again on purpose, give it an Idempotency-Key.";
/** The second is the media type of RFC 7396. */
const JSON_TYPES = ["application/json", "application/merge-patch+json"];
/** So long an answer without an end of its own may take to end when the service stops. */
const LEAVE_MS = 250;
const receiveBody: RequestHandler = express.raw({ limit: "1mb", type: () => true });

/** The handler of one route. Authentication comes before anything of the body is read, but for what signs the body. */
export function serve(route: Route, options: ServeOptions): RequestHandler {
  const readUpload = route.multipart && uploadReader(route.multipart, options.upload);
  const cut = momentAfter(options.stopping);
  return async (request, response) => {
    const early = await callerOf(route, request, options);
    const params = check(route.params, request.params, "path");
    const query = check(route.query, request.query, "query");
    const upload = readUpload && (await readUpload(request, response));
    const bytes = upload ? null : await receiveJson(route, request, response);
    const caller = early ?? (await signerOf(request, bytes, options.triggerAccess));
    const received = upload ?? { body: bytes === null ? undefined : parseJson(bytes), files: {} };
    const body = check(route.body, received.body, "");
    const headers = request.headers as Record<string, string | undefined>;
    const actor = caller.actor;
    const ask = {
      params,
      query,
      body,
      files: received.files,
      actor,
      headers,
      gone: goneSignal(response),
      stopping: options.stopping,
      keep: null,
    };
    const keyed = keyOf(route, caller, headers);
    const reply = keyed
      ? await once(route, ask, { ...keyed, content: contentOf(request, received) }, options.idempotency)
      : await route.handle(ask);
    await send(reply, response, cut);
  };
}

/** What a request is known by. `refused`: the same once more is no repetition that somebody asked for. */
interface KeyOnce extends KeyedRequest {
  refused: boolean;
}

/** What a request is known by if it comes again; null: it is carried out each time. */
function keyOf(
  { repeatable, signable }: Route,
  { actor, mark }: Caller,
  headers: Record<string, string | undefined>,
): Omit<KeyOnce, "content"> | null {
  const given = headers["idempotency-key"] ?? (signable ? headers["batchline-delivery"] : undefined);
  const key = repeatable ? (given ?? mark) : undefined;
  return key === undefined ? null : { key, actor, refused: given === undefined };
}

/** Carries a request out that has a key, unless that was done before: then the answer is the one that was given, or none. */
async function once(
  route: Route,
  ask: Ask<unknown, unknown, unknown>,
  keyed: KeyOnce,
  idempotency: IdempotencyService,
): Promise<Reply> {
  const repeated = async (): Promise<Reply | null> => {
    const answer = await idempotency.answerTo(keyed);
    if (answer && keyed.refused) throw new AppError("conflict", REPLAYED, { reason: "replayed" });
    return answer && { ...answer, headers: { ...answer.headers, "Idempotent-Replayed": "true" } };
  };
  const known = await repeated();
  if (known) return known;
  try {
    return await route.handle({
      ...ask,
      keep: (transaction, answer) => idempotency.keep(transaction, keyed, answer),
    });
  } catch (error) {
    // Of two at once the other one was first, and this one has met what that one has made.
    const isOutdone = error instanceof AppError && ["conflict", "precondition_failed"].includes(error.code);
    const first = isOutdone ? await repeated() : null;
    if (first) return first;
    throw error;
  }
}

/** All that makes a request what it is, in pieces. */
function contentOf(request: Request, { body, files }: { body: unknown; files: Upload["files"] }): string[] {
  const parts = Object.entries(files).flatMap(([part, list]) => list.map(({ name, sha256 }) => [part, name, sha256]));
  return [request.method, request.originalUrl, JSON.stringify(body ?? null), JSON.stringify(parts)];
}

/** The bytes of a JSON body; null if there is none. */
async function receiveJson(route: Route, request: Request, response: Response): Promise<Buffer | null> {
  const empty = request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined;
  if (!route.body || empty || request.headers["content-length"] === "0") return null;
  if (!request.is(JSON_TYPES)) {
    throw new AppError("unsupported", "Send the body as application/json.", { reason: "not_json" });
  }
  const charset = /;\s*charset\s*=\s*"?([^;"\s]*)/i.exec(request.headers["content-type"] ?? "")?.[1] ?? "utf-8";
  if (!/^utf-?8$/i.test(charset)) throw new AppError("unsupported", "Send the body as UTF-8.");
  await new Promise<void>((resolve, reject) => {
    receiveBody(request, response, (error: unknown) => (error instanceof Error ? reject(error) : resolve()));
  });
  return request.body as Buffer;
}

function parseJson(bytes: Buffer): unknown {
  const text = utf8Text(bytes);
  if (text === null) throw new AppError("invalid", "The body is not UTF-8 text.", { reason: "invalid_json" });
  const reading = readText(text);
  if (!reading.ok) throw jsonRefusal("body", reading.faults);
  return reading.document;
}

/** @param where what the pointers of faults begin with: `path`, `query`, or nothing for the body */
function check(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (!schema) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const object = "unwrap" in schema ? (schema as z.ZodOptional<z.ZodType>).unwrap() : schema;
  const known = "shape" in object ? Object.keys(object.shape as object) : [];
  const errors = faultsOf(parsed.error, where, known);
  const detail = errors.map(({ pointer, message }) => `${pointer || "the body"} ${message}`).join("; ");
  throw new AppError("invalid", `The request cannot be used: ${detail}.`, { reason: "invalid_request", errors });
}

/** Aborted a moment after `signal`: answers that go on may take their leave before they are broken off. */
function momentAfter(signal: AbortSignal): AbortSignal {
  const cut = new AbortController();
  setMaxListeners(0, cut.signal);
  signal.addEventListener("abort", () => setTimeout(() => cut.abort(), LEAVE_MS), { once: true });
  return cut.signal;
}

function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  return gone.signal;
}

async function send(
  { status, headers = {}, json, bytes, file, live }: Reply,
  response: Response,
  cut: AbortSignal,
): Promise<void> {
  response.status(status).set(headers);
  if (json !== undefined) {
    // Not by Express' own json(): given an ETag it would answer 304, though more of a batch changes than its tag tells.
    response.type("application/json").end(JSON.stringify(json));
    return;
  }
  const source = file === undefined ? bytes && streamOf(bytes) : createReadStream(file);
  if (!source) {
    response.end();
    return;
  }
  response.flushHeaders();
  if (live && response.req.method === "HEAD") {
    source.destroy();
    response.end();
    return;
  }
  await pipeline(source, response, live ? { signal: cut } : {}).catch((error: unknown) => {
    // The client left before the end, or we stop: the broken connection says all there is to say.
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ERR_STREAM_PREMATURE_CLOSE" && code !== "ABORT_ERR") throw error;
  });
}

/** A stream stays what it is: it gives back what it holds even when nobody has begun to read it. */
function streamOf(bytes: AsyncIterable<Buffer>): Readable {
  return bytes instanceof Readable ? bytes : Readable.from(bytes, { objectMode: false });
}
