// The sweep of events: every 5 minutes those that are old enough are archived, or deleted, a portion at a time.
import type { Database } from "../database/database.js";
import { archivable, archiveEvents, deleteEvents, overage } from "../database/event-queries.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import { SYSTEM } from "../models/actor.js";
import { comeOfAge, type EventAges } from "../models/event-ages.js";

interface Collaborators {
  database: Database;
  events: EventLog;
  clock: Clock;
  archiveAfter: EventAges;
  deleteAfter: EventAges;
}

/** What a sweep has done so far. */
interface Done {
  archived: number;
  deleted: number;
  /** False: so far it has met nothing but what sweeps tell themselves, which it must not go on telling for ever. */
  worthTelling: boolean;
}

const EVERY_MS = 5 * 60_000;
/** So many rows of one transaction: it must not hold up those that wait to write. */
const PORTION = 200;
/** So many of them, and so long at most, in one look: the other stations of the rounds wait for its end. */
const PORTIONS = 20;
const LOOK_MS = 500;
const SERVICE = { type: "service", id: 0, name: "batchline" } as const;

export class EventSweep {
  private lookedAt = -Infinity;
  private underway: Done | null = null;

  constructor(private readonly with_: Collaborators) {}

  /** To be called often; sweeps every 5 minutes, and goes on with a sweep that is not finished. */
  async look(): Promise<void> {
    const now = this.with_.clock.now();
    if (!this.underway && Math.abs(now - this.lookedAt) < EVERY_MS) return;
    this.lookedAt = now;
    this.underway ??= { archived: 0, deleted: 0, worthTelling: false };
    const deadline = performance.now() + LOOK_MS;
    for (let i = 0; i < PORTIONS && performance.now() < deadline; i++) {
      if (await this.sweepPortion(now, this.underway)) continue;
      await this.tell(this.underway);
      this.underway = null;
      return;
    }
  }

  /** Deletes some events or, if none is so old, archives some. False: there was nothing left to do. */
  private async sweepPortion(now: number, done: Done): Promise<boolean> {
    const { database, archiveAfter, deleteAfter } = this.with_;
    for (const [what, ages, find, act] of [
      ["deleted", deleteAfter, overage, deleteEvents],
      ["archived", archiveAfter, archivable, archiveEvents],
    ] as const) {
      const found = await database.read((manager) => find(manager, comeOfAge(ages, now), PORTION));
      if (found.length === 0) continue;
      const ids = found.map(({ id }) => id);
      const count = await database.write(({ manager }) => act(manager, ids));
      done[what] += count;
      done.worthTelling ||= count > 0 && found.some(({ kind }) => kind !== "retention.done");
      return true;
    }
    return false;
  }

  private async tell({ archived, deleted, worthTelling }: Done): Promise<void> {
    if (!worthTelling) return;
    const { database, events } = this.with_;
    const event = { kind: "retention.done", subject: SERVICE, source: "system", actor: SYSTEM } as const;
    await database.write((transaction) => events.append(transaction, { ...event, payload: { archived, deleted } }));
  }
}
