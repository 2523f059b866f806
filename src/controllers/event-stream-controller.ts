// The stream of events over HTTP.
import type { Event } from "../entities/event.js";
import { parseEventPlace, type EventStreamFilter } from "../models/event-stream.js";
import { formatComment, formatEvent, formatId } from "../models/server-sent-event.js";
import type { EventStreamItem, EventStreams } from "../services/event-streams.js";
import { showEvent } from "./event-view.js";
import { lastPlace, liveReply } from "./live-reply.js";
import type { Ask, Reply } from "./reply.js";

export class EventStreamController {
  /** What was shown to one reader is there for all the others, as long as the feed remembers the event. */
  private readonly shown = new WeakMap<Event, Buffer>();

  constructor(private readonly with_: { eventStreams: EventStreams }) {}

  stream = async (ask: Ask<unknown, EventStreamFilter, unknown>): Promise<Reply> => {
    const after = lastPlace(ask, parseEventPlace, "an event") ?? ask.query.from;
    const items = await this.with_.eventStreams.open(ask.query, after, ask);
    return liveReply(this.frames(items), ask);
  };

  private async *frames(items: AsyncIterable<EventStreamItem>): AsyncGenerator<string | Buffer> {
    for await (const item of items) {
      if (item.kind === "event") yield this.frameOf(item.event);
      else if (item.kind === "idle") yield formatComment("nothing new") + formatId(String(item.id));
      else yield formatEvent({ event: "expired", id: String(item.id), data: JSON.stringify({ deletedTo: item.id }) });
    }
  }

  private frameOf(event: Event): Buffer {
    const known = this.shown.get(event);
    if (known) return known;
    const data = JSON.stringify(showEvent(event));
    const frame = Buffer.from(formatEvent({ event: "event", id: String(event.id), data }));
    this.shown.set(event, frame);
    return frame;
  }
}
