// What the event feed reads: how far the log is settled, and its events in the order of their ids.
import type { EntityManager } from "typeorm";
import { Event } from "../entities/event.js";
import type { Database } from "./database.js";
import { aloneWithEvents } from "./locks.js";
import { selectByIds } from "./plain.js";

/** A page has so many events at most, and of payloads about so many bytes. */
const PAGE_EVENTS = 200;
const PAGE_BYTES = 1024 * 1024;
/** After so many refusals the reader stands in line: among writers without a pause it would never have its turn. */
const POLITE_TRIES = 8;

/** An event, and the length of its payload, by which memory is reckoned. */
export interface WeighedEvent {
  event: Event;
  bytes: number;
}

type Row = Record<string, unknown>;

async function lastEventId(manager: EntityManager): Promise<number> {
  const [row]: Row[] = await manager.query("SELECT MAX(id) AS id FROM events");
  return Number(row?.["id"] ?? 0);
}

/**
 * The greatest id such that no event with it or a smaller one is still to come.
 *
 * A server gives out ids before the commit, so that 6 may be there before 5. Whoever appends events holds a lock from
 * before the first id to the commit: in a moment when nobody holds it, all that is missing is missing for good.
 */
export function lastSettledEventId(database: Database): Promise<number> {
  if (database.dialect === "sqlite") return database.read(lastEventId);
  let tries = 0;
  return database.write(async ({ manager }) => {
    await aloneWithEvents(manager, ++tries > POLITE_TRIES);
    return lastEventId(manager);
  });
}

/** The events behind `after`, in order; `upTo` itself is the last. Empty: there is none. */
export async function eventsAfter(manager: EntityManager, after: number, upTo: number): Promise<WeighedEvent[]> {
  const rows: Row[] = await manager.query(
    `SELECT id, LENGTH(payload) AS bytes FROM events WHERE id > ? AND id <= ? ORDER BY id LIMIT ${PAGE_EVENTS}`,
    [after, upTo],
  );
  const sizes = new Map<number, number>();
  let total = 0;
  for (const { id, bytes } of rows) {
    total += Number(bytes);
    if (sizes.size > 0 && total > PAGE_BYTES) break;
    sizes.set(Number(id), Number(bytes));
  }
  const events = await selectByIds(manager, Event, [...sizes.keys()]);
  return events.map((event) => ({ event, bytes: sizes.get(event.id) ?? 0 }));
}
