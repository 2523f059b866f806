// The event feed: every committed event exactly once and in order, whichever service process it comes from.
import type { Database } from "../database/database.js";
import { eventsAfter, lastSettledEventId, type WeighedEvent } from "../database/feed-queries.js";
import type { Event } from "../entities/event.js";
import { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import { Bell } from "../handlers/bell.js";
import type { EventLog } from "../handlers/event-log.js";
import type { Logger } from "../handlers/logger.js";
import { isFinal } from "../models/status.js";
import { Turnstile } from "./turnstile.js";

interface Collaborators {
  database: Database;
  events: EventLog;
  logger: Logger;
}

/** Another process's events are looked for this often, as long as somebody listens. */
const LOOK_MS = 100;
/** An id that is missing is looked for again so soon, and for so long before the transactions themselves are asked. */
const GAP_LOOK_MS = 5;
const GAP_PATIENCE_MS = 20;
/** What is kept for those who are nearly up to date. */
const RECENT_EVENTS = 1000;
const RECENT_BYTES = 4 * 1024 * 1024;

type Ring = () => void;

/**
 * One tailer per process, however many listen. It only rings: a listener fetches what is behind its own position at its
 * own pace, from the recent events or from the database, so that a slow one holds nothing but that position.
 */
export class EventFeed {
  private readonly looking = new Turnstile(() => this.look());
  private readonly listeners = new Set<Ring>();
  private readonly watchers = new Map<number, Set<Ring>>();
  /** Null: nobody listens. */
  private begun: Promise<void> | null = null;
  private stop: () => void = () => undefined;
  /** Every event up to here is told; whoever asks for more waits. */
  private told = 0;
  /** No event up to here is still to come. */
  private settled = 0;
  private gapSince: number | null = null;
  private recent: WeighedEvent[] = [];
  private recentBytes = 0;
  private inTrouble = false;

  constructor(private readonly with_: Collaborators) {}

  /** The id of the last event that was told. */
  get head(): number {
    return this.told;
  }

  /**
   * Rings at every event from now on, until `signal` is aborted.
   *
   * @param executionId only at those about this execution
   */
  async listen(ring: Ring, signal: AbortSignal, executionId?: number): Promise<void> {
    const set = executionId === undefined ? this.listeners : (this.watchers.get(executionId) ?? new Set());
    if (executionId !== undefined) this.watchers.set(executionId, set);
    set.add(ring);
    const leave = () => {
      set.delete(ring);
      if (executionId !== undefined && set.size === 0) this.watchers.delete(executionId);
      if (this.listeners.size + this.watchers.size === 0) this.rest();
    };
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    else await (this.begun ??= this.begin());
  }

  /** The events behind `position`, in order, as many as are at hand; empty: none yet. For those who listen. */
  async after(position: number): Promise<Event[]> {
    if (position >= this.told) return [];
    const oldest = this.recent[0]?.event.id ?? Infinity;
    if (position < oldest - 1) {
      const page = await this.with_.database.read((manager) => eventsAfter(manager, position, this.told));
      return page.map(({ event }) => event);
    }
    const first = this.recent.findLastIndex(({ event }) => event.id <= position) + 1;
    return this.recent.slice(first).map(({ event }) => event);
  }

  /** Resolves when the execution has ended, whichever process ran it, or when `signal` is aborted. */
  ended(executionId: number, signal: AbortSignal): Promise<void> {
    return this.until(executionId, ({ status }) => isFinal(status), signal);
  }

  /**
   * Resolves when the execution has come so far, or when `signal` is aborted.
   *
   * @throws AppError `not_found` if there is no such execution
   */
  async until(executionId: number, reached: (row: Execution) => boolean, signal: AbortSignal): Promise<void> {
    const bell = new Bell();
    const leaving = new AbortController();
    const done = AbortSignal.any([signal, leaving.signal]);
    signal.addEventListener("abort", bell.ring, { once: true });
    try {
      await this.listen(bell.ring, done, executionId);
      for (; !signal.aborted; await bell.rung()) {
        const row = await this.with_.database.read((manager) => manager.findOneBy(Execution, { id: executionId }));
        if (!row) throw new AppError("not_found", `There is no execution ${executionId}.`);
        if (reached(row)) return;
      }
    } finally {
      signal.removeEventListener("abort", bell.ring);
      leaving.abort();
    }
  }

  /** Looks no more. */
  async close(): Promise<void> {
    this.stop();
    await this.looking.close();
  }

  private async begin(): Promise<void> {
    const look = () => void this.looking.pass();
    const timer = setInterval(look, LOOK_MS);
    const forget = this.with_.events.subscribe(look);
    const stop = (this.stop = () => {
      clearInterval(timer);
      forget();
    });
    try {
      const settled = await lastSettledEventId(this.with_.database);
      // Everybody may have left meanwhile, and others have come.
      if (this.stop === stop) this.told = this.settled = settled;
    } catch (error) {
      if (this.stop === stop) this.rest();
      throw error;
    }
  }

  /** Nobody listens: what comes from now on is read by whoever comes next. */
  private rest(): void {
    this.stop();
    this.begun = null;
    this.recent = [];
    this.recentBytes = 0;
    this.gapSince = null;
  }

  private async look(): Promise<void> {
    try {
      await this.begun;
      while (this.begun && (await this.advance(this.begun)));
      this.inTrouble = false;
    } catch (error) {
      if (!this.inTrouble) this.with_.logger.warn({ err: error }, "events cannot be read; trying again and again");
      this.inTrouble = true;
    }
  }

  /** Tells what has come. True: there may be more. */
  private async advance(begun: Promise<void>): Promise<boolean> {
    const { database } = this.with_;
    const found = await database.read((manager) => eventsAfter(manager, this.told, Number.MAX_SAFE_INTEGER));
    if (this.begun !== begun) return false;
    const gap = found.findIndex(
      ({ event: { id } }, i) => id > this.settled && id !== (found[i - 1]?.event.id ?? this.told) + 1,
    );
    this.tell(gap < 0 ? found : found.slice(0, gap));
    if (gap < 0) return found.length > 0;
    this.gapSince ??= performance.now();
    if (performance.now() - this.gapSince < GAP_PATIENCE_MS) {
      setTimeout(() => void this.looking.pass(), GAP_LOOK_MS);
      return false;
    }
    const settled = await lastSettledEventId(database);
    if (this.begun === begun) this.settled = settled;
    return true;
  }

  private tell(found: WeighedEvent[]): void {
    const last = found.at(-1);
    if (!last) return;
    this.gapSince = null;
    this.told = last.event.id;
    this.keep(found);
    for (const ring of this.listeners) ring();
    for (const id of new Set(found.map(({ event }) => event.executionId))) {
      for (const ring of this.watchers.get(id ?? 0) ?? []) ring();
    }
  }

  private keep(found: WeighedEvent[]): void {
    this.recent.push(...found);
    for (const { bytes } of found) this.recentBytes += bytes;
    while (this.recent.length > RECENT_EVENTS || (this.recentBytes > RECENT_BYTES && this.recent.length > 1)) {
      this.recentBytes -= this.recent.shift()?.bytes ?? 0;
    }
  }
}
