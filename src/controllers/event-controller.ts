// Events over HTTP.
import { encodeEventCursor, type EventFilter } from "../models/event.js";
import type { EventService } from "../services/event-service.js";
import { showEvent } from "./event-view.js";
import { ok, type Ask, type Reply } from "./reply.js";

interface ById {
  id: number;
}

export class EventController {
  constructor(private readonly with_: { events: EventService }) {}

  list = async ({ query }: Ask<unknown, EventFilter, unknown>): Promise<Reply> => {
    const { events, next } = await this.with_.events.list(query);
    return ok({ items: events.map(showEvent), next: next && encodeEventCursor(next) });
  };

  get = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    ok(showEvent(await this.with_.events.get(params.id)));
}
