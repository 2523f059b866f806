// Seats for those who watch: each has so many streams at most, so that no client can take all that the service has.
import { AppError } from "../errors.js";
import type { Actor } from "../models/actor.js";

/** Who watches, and until when. */
export interface Watcher {
  actor: Actor;
  /** Aborted when the reader has gone. */
  gone: AbortSignal;
  /** Aborted when the service stops. */
  stopping: AbortSignal;
}

/** A stream on which nothing happens says so this often: a reader whose connection died unseen comes again. */
export const KEEP_ALIVE_MS = 15_000;

export class StreamSeats {
  private readonly taken = new Map<string, number>();

  /** @param limit how many streams one user or token may have open at once */
  constructor(private readonly limit: number) {}

  /**
   * Takes a seat until the watcher has gone.
   *
   * @throws AppError `too_many_requests`
   */
  take({ actor: { kind, name }, gone }: Watcher): void {
    const key = `${kind} ${name}`;
    const count = this.taken.get(key) ?? 0;
    if (count >= this.limit) {
      const message = `You have ${count} streams open, which is the most. Close one, or follow several things by one stream: leave out a filter of /events/stream.`;
      throw new AppError("too_many_requests", message, { reason: "too_many_streams" });
    }
    this.taken.set(key, count + 1);
    gone.addEventListener("abort", () => this.leave(key), { once: true });
    if (gone.aborted) this.leave(key);
  }

  private leave(key: string): void {
    const count = (this.taken.get(key) ?? 1) - 1;
    if (count > 0) this.taken.set(key, count);
    else this.taken.delete(key);
  }
}
