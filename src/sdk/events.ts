// The part of the client that is about events.
import type { EventView } from "../models/event.js";
import type { Page } from "../models/shapes.js";
import type { Connection } from "./connection.js";
import type { EventStreamQuery, StreamedEvent, StreamOptions, Streams } from "./streams.js";

export interface EventListQuery {
  /** Several with commas; a beginning such as `batch.*` means all that begin so. */
  kind?: string;
  /** Id or name. */
  batch?: string | number;
  /** With it what is archived and of tests is listed too, if nothing else is said. */
  execution?: number;
  /** Such as `trigger:5`. */
  subject?: string;
  /** Without what is archived if left out. */
  archived?: 0 | 1 | "all";
  /** Without what test triggers bring about if left out. */
  test?: 0 | 1 | "all";
  /** Instants, ISO 8601 with zone; `to` itself is left out. */
  from?: string;
  to?: string;
  /** Text in the names, the kind or the payload. */
  q?: string;
  limit?: number;
  cursor?: string;
}

/** The calls about events over a connection. */
export function eventCalls(connection: Connection, streams: Streams) {
  return {
    /** Newest first. With `q` a page may hold fewer than the limit and yet have a next. */
    list: (query: EventListQuery = {}): Promise<Page<EventView>> =>
      connection.send("GET", "/events", undefined, { query: { ...query } }),
    get: (id: number): Promise<EventView> => connection.send("GET", `/events/${id}`),
    /** Events as they happen, without an end; whatever happens to the connection. */
    stream: (query?: EventStreamQuery, options?: StreamOptions): AsyncGenerator<StreamedEvent> =>
      streams.events(query, options),
  };
}
