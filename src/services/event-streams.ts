// Streams of events, for whoever watches: everything behind a place in the log, and then what happens.
import type { Database } from "../database/database.js";
import { deletedTo } from "../database/event-queries.js";
import type { Event } from "../entities/event.js";
import { Bell } from "../handlers/bell.js";
import type { EventFeed } from "../jobs/event-feed.js";
import type { EventStreamFilter } from "../models/event-stream.js";
import { namedBatch } from "./named-batch.js";
import { KEEP_ALIVE_MS, type StreamSeats, type Watcher } from "./stream-seats.js";

interface Collaborators {
  database: Database;
  feed: EventFeed;
  seats: StreamSeats;
}

/** What a stream of events tells; `id` is the place in the log that is reached with it. */
export type EventStreamItem =
  | { kind: "event"; id: number; event: Event }
  /** Events that the reader has not had are gone, for their age. */
  | { kind: "expired"; id: number }
  /** Nothing has happened that the reader asked for. The first item, too: with it the reader has a place to come back to. */
  | { kind: "idle"; id: number };

export class EventStreams {
  constructor(private readonly with_: Collaborators) {}

  /**
   * The events that pass a filter, in order, each once.
   *
   * @param after the last event that the reader has had; undefined: those from now on
   * @throws AppError `too_many_requests` if this watcher has too many streams open
   */
  async open(
    filter: EventStreamFilter,
    after: number | undefined,
    watcher: Watcher,
  ): Promise<AsyncGenerator<EventStreamItem>> {
    const { database, feed, seats } = this.with_;
    seats.take(watcher);
    const batch = filter.batch;
    const batchId = batch === undefined ? undefined : await database.read(async (m) => (await namedBatch(m, batch)).id);
    const bell = new Bell();
    watcher.gone.addEventListener("abort", bell.ring, { once: true });
    watcher.stopping.addEventListener("abort", bell.ring, { once: true, signal: watcher.gone });
    await feed.listen(bell.ring, watcher.gone);
    // An id that no event has yet stands for the last one: nothing is to be waited for that may never come.
    const from = Math.min(after ?? feed.head, feed.head);
    const gone = await database.read(deletedTo);
    const passes = passer(filter, batchId);
    return this.items({ from, deletedTo: after === undefined ? 0 : gone, passes, bell, watcher });
  }

  private async *items({ from, deletedTo, passes, bell, watcher }: Stream): AsyncGenerator<EventStreamItem> {
    let id = from;
    yield id < deletedTo ? { kind: "expired", id: (id = deletedTo) } : { kind: "idle", id };
    while (!watcher.gone.aborted && !watcher.stopping.aborted) {
      const events = await this.with_.feed.after(id);
      for (const event of events) {
        id = event.id;
        if (passes(event)) yield { kind: "event", id, event };
      }
      if (events.length === 0 && !(await bell.rung(KEEP_ALIVE_MS))) yield { kind: "idle", id };
    }
  }
}

interface Stream {
  from: number;
  deletedTo: number;
  passes: (event: Event) => boolean;
  bell: Bell;
  watcher: Watcher;
}

function passer(filter: EventStreamFilter, batchId: number | undefined): (event: Event) => boolean {
  const { kind, execution, subject } = filter;
  const kinds = kind && new Set(kind);
  const tests = (filter.test ?? (execution === undefined ? [0] : [0, 1])).map(Boolean);
  return (event) =>
    tests.includes(event.test) &&
    (!kinds || kinds.has(event.kind)) &&
    (batchId === undefined || event.batchId === batchId) &&
    (execution === undefined || event.executionId === execution) &&
    (!subject || (event.subjectType === subject.type && event.subjectId === subject.id));
}
