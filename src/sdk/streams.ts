// Streams that outlive their connections: after any break they go on where they were, so that nothing is missed or repeated.
import type { EventView } from "../models/event.js";
import type { ExecutionView, Progress } from "../models/execution.js";
import type { Output } from "../models/execution-stream.js";
import { EventStreamParser, type ServerSentEvent } from "../models/server-sent-event.js";
import type { ExecutionStatus } from "../models/status.js";
import { ApiError, type Connection, type Query } from "./connection.js";

export interface StreamOptions {
  /** The id of the last item that was had; goes on behind it. */
  lastEventId?: string | undefined;
  /** Ends the stream, which then rejects, as a request does. */
  signal?: AbortSignal | undefined;
}

export interface EventStreamQuery {
  /** Several, or beginnings such as `batch.*`, with commas. */
  kind?: string;
  /** Id or name. */
  batch?: string | number;
  execution?: number;
  /** Such as `trigger:5`. */
  subject?: string;
  test?: 0 | 1 | "all";
  /** Begins behind the event with this id; from now on, if left out. */
  from?: number;
}

/** Each with the id by which another stream can go on behind it. */
export type StreamedEvent = { id: string } & (
  { event: "event"; data: EventView } | { event: "expired"; data: { deletedTo: number } }
);

/** A piece of output: text, or bytes in base64 where they are no UTF-8. */
export interface OutputPiece {
  stream: Output;
  attempt: number;
  offset: number;
  bytes: number;
  text: string;
  encoding?: "base64";
}

/** Each with the id by which another stream can go on behind it. */
export type ExecutionStreamEvent = { id: string } & (
  | { event: "status"; data: ExecutionView }
  | { event: "progress"; data: Progress & { attempt: number; expectedEndAt: string | null } }
  | { event: "output"; data: OutputPiece }
  | { event: "skipped"; data: { stream: Output; attempt: number; from: number; to: number } }
  | { event: "end"; data: { status: ExecutionStatus } }
);

/** What the service tells as it happens, as iterators that connect again by themselves, for as long as it takes. */
export class Streams {
  constructor(private readonly connection: Connection) {}

  /** Events as they happen; without an end. */
  async *events(query: EventStreamQuery = {}, options: StreamOptions = {}): AsyncGenerator<StreamedEvent> {
    for await (const event of this.server("/events/stream", { ...query }, options))
      yield parsed(event) as StreamedEvent;
  }

  /** An execution as it runs, up to its `end`. */
  async *execution(id: number, options: StreamOptions = {}): AsyncGenerator<ExecutionStreamEvent> {
    for await (const event of this.server(`/executions/${id}/stream`, {}, options)) {
      const item = parsed(event) as ExecutionStreamEvent;
      yield item;
      if (item.event === "end") return;
    }
  }

  /** Every byte of a log as text, as it grows, up to the end of the attempt. */
  async *log(id: number, signal?: AbortSignal): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    let from = 0;
    let attempt: string | undefined;
    const connect = async () => {
      const query = { follow: 1, attempt, from: from || undefined };
      const response = await this.connection.request("GET", `/executions/${id}/log`, undefined, { query, signal });
      // From now on of this one alone: the bytes that were had are no place in the log of another one.
      attempt = response.headers.get("Batchline-Attempt") ?? undefined;
      return response;
    };
    for await (const chunk of persistent(connect, signal)) {
      if (chunk === null) continue;
      from += chunk.length;
      const text = decoder.decode(chunk, { stream: true });
      if (text !== "") yield text;
    }
    yield decoder.decode();
  }

  private async *server(path: string, query: Query, options: StreamOptions): AsyncGenerator<ServerSentEvent> {
    const { signal } = options;
    let parser = new EventStreamParser(options.lastEventId);
    let decoder = new TextDecoder();
    const connect = () =>
      this.connection.request("GET", path, undefined, {
        query,
        headers: { Accept: "text/event-stream", "Last-Event-ID": parser.lastEventId || undefined },
        signal,
      });
    for await (const chunk of persistent(connect, signal, { endless: true })) {
      if (chunk === null) {
        // What was begun on a connection that broke comes again, whole.
        parser = new EventStreamParser(parser.lastEventId);
        decoder = new TextDecoder();
        continue;
      }
      yield* parser.push(decoder.decode(chunk, { stream: true }));
    }
  }
}

function parsed({ event, data, id }: ServerSentEvent): { event: string; data: unknown; id: string } {
  return { event, data: JSON.parse(data) as unknown, id };
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/**
 * The bytes of one answer after the other; null each time a new one begins.
 *
 * @param endless true: an answer that has ended is followed by another one too, not only one that broke off
 * @throws ApiError if the service refuses for good; whatever `signal` is aborted with
 */
async function* persistent(
  connect: () => Promise<Response>,
  signal: AbortSignal | undefined,
  { endless = false } = {},
): AsyncGenerator<Uint8Array | null> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      const response = await connect();
      if (response.status === 204) return;
      yield null;
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        pauseMs = FIRST_PAUSE_MS;
        yield chunk;
      }
      if (!endless) return;
    } catch (error) {
      const isRefusal = error instanceof ApiError && error.status < 500 && error.status !== 429;
      if (isRefusal || signal?.aborted) throw error;
    }
    await pause(pauseMs * (0.5 + Math.random() / 2), signal);
    signal?.throwIfAborted();
  }
}

/** Some milliseconds, cut short when `signal` is aborted. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
