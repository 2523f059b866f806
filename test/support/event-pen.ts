// Writes events as another service process on the same database would, so that a test need not bring each one about.
import { onTestFinished } from "vitest";
import type { Config } from "../../src/config.js";
import { Database } from "../../src/database/database.js";
import type { Clock } from "../../src/handlers/clock.js";
import { EventLog, type NewEvent } from "../../src/handlers/event-log.js";
import { SYSTEM } from "../../src/models/actor.js";
import { kindsAbout, SUBJECT_TYPES, type EventKind } from "../../src/models/event.js";

/** What of an event matters to the test; its subject is what the kind is about, and has the id 1 if nothing else is said. */
export type Sketch = Partial<Omit<NewEvent, "subject">> & { kind: EventKind; id?: number; name?: string };

function toEvent({ id = 1, name = "nightly", ...event }: Sketch): NewEvent {
  const type = SUBJECT_TYPES.find((one) => kindsAbout(one).includes(event.kind)) ?? "service";
  return { source: "system", actor: SYSTEM, ...event, subject: { type, id, name } };
}

export interface EventPen {
  database: Database;
  /** Writes the events in one transaction. */
  write(...sketches: Sketch[]): Promise<number[]>;
}

/** A pen on the database of a service, with its clock. */
export async function takePen({
  config,
  clock,
}: {
  config: Pick<Config, "databaseUrl">;
  clock: Clock;
}): Promise<EventPen> {
  const database = await Database.open(config.databaseUrl);
  onTestFinished(() => database.close());
  const log = new EventLog({ clock });
  return {
    database,
    write: (...sketches) => database.write((transaction) => log.append(transaction, ...sketches.map(toEvent))),
  };
}
