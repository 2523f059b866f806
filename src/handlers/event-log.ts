// The event log: every row is written in the transaction of what it reports, and told to listeners after the commit.
import { amongThoseWithEvents } from "../database/locks.js";
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
  /** The batch that it has to do with; left out where that is the subject, or where there is none. */
  batchId?: number | null;
  /** The execution that it has to do with, likewise. */
  executionId?: number | null;
  /** True: a test trigger brought it about. */
  test?: boolean;
  source: ExecutionSource;
  actor: Actor;
  payload?: EventPayload;
}

export interface LoggedEvent extends Required<NewEvent> {
  id: number;
  occurredAt: number;
}

type Listener = (event: LoggedEvent) => void;

const DEFAULTS = { payload: {}, test: false };

/** What the subject alone says of batch and execution. */
function placeOf({ subject: { type, id } }: NewEvent): { batchId: number | null; executionId: number | null } {
  return { batchId: type === "batch" ? id : null, executionId: type === "execution" ? id : null };
}

export class EventLog {
  private readonly listeners = new Set<Listener>();
  /** The transactions that have appended before. */
  private readonly begun = new WeakSet<Transaction>();

  constructor(private readonly with_: { clock: Clock }) {}

  /** Appends events, in order, as part of `transaction`. @returns their ids */
  async append(transaction: Transaction, ...events: NewEvent[]): Promise<number[]> {
    if (events.length === 0) return [];
    const occurredAt = this.with_.clock.now();
    const whole = events.map((event) => ({ ...DEFAULTS, ...placeOf(event), ...event }));
    const rows = whole.map(({ subject, ...event }) =>
      Object.assign(new Event(), {
        ...event,
        archived: false,
        occurredAt,
        subjectType: subject.type,
        subjectId: subject.id,
        subjectName: subject.name,
      }),
    );
    if (!this.begun.has(transaction)) await amongThoseWithEvents(transaction.manager);
    this.begun.add(transaction);
    await insertRows(transaction.manager, Event, rows);
    transaction.afterCommit(() => {
      whole.forEach((event, i) => this.tell({ ...event, id: rows[i]?.id ?? 0, occurredAt }));
    });
    return rows.map(({ id }) => id);
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
