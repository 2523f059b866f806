// Events, for whoever asks: list and read.
import type { Database } from "../database/database.js";
import { pageOfEvents, type EventPage } from "../database/event-queries.js";
import { Event } from "../entities/event.js";
import { AppError } from "../errors.js";
import type { EventFilter } from "../models/event.js";

export class EventService {
  constructor(private readonly with_: { database: Database }) {}

  /** Some events, newest first. */
  list(filter: EventFilter): Promise<EventPage> {
    return this.with_.database.read((manager) => pageOfEvents(manager, filter));
  }

  async get(id: number): Promise<Event> {
    const event = await this.with_.database.read((manager) => manager.findOneBy(Event, { id }));
    if (!event) throw new AppError("not_found", `There is no event ${id}, or it was deleted by its age.`);
    return event;
  }
}
