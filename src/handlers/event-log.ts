// The event log: every row is written in the transaction of what it reports, and told to listeners after the commit.
import { insertRows } from "../database/plain.js";
import { Event } from "../entities/event.js";
import type { Transaction } from "../database/transaction.js";
import type { Actor } from "../models/actor.js";
import type { EventKind, EventPayload, SubjectType } from "../models/event.js";
import type { ExecutionSource } from "../models/execution.js";
import type { Clock } from "./clock.js";

/** What happened; the instant is the event log's to add. */
export interface NewEvent {
  kind: EventKind;
  subject: { type: SubjectType; id: number; name: string };
  source: ExecutionSource;
  actor: Actor;
  payload?: EventPayload;
}

export interface LoggedEvent extends Required<NewEvent> {
  id: number;
  occurredAt: number;
}

type Listener = (event: LoggedEvent) => void;

export class EventLog {
  private readonly listeners = new Set<Listener>();

  constructor(private readonly with_: { clock: Clock }) {}

  /** Appends events, in order, as part of `transaction`. */
  async append(transaction: Transaction, ...events: NewEvent[]): Promise<void> {
    if (events.length === 0) return;
    const occurredAt = this.with_.clock.now();
    const rows = events.map(({ subject, payload = {}, ...event }) =>
      Object.assign(new Event(), {
        ...event,
        payload,
        occurredAt,
        subjectType: subject.type,
        subjectId: subject.id,
        subjectName: subject.name,
      }),
    );
    await insertRows(transaction.manager, Event, rows);
    transaction.afterCommit(() => {
      events.forEach((event, i) => this.tell({ payload: {}, ...event, id: rows[i]?.id ?? 0, occurredAt }));
    });
  }

  /** Tells `listener` of every event of this process from now on. Returns the way to stop that. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(event: LoggedEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
