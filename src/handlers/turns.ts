// Lets only so many pieces of work go on at once; the others wait for their turn in the order they came.
import { AppError } from "../errors.js";

/** A bounded number of places; `take` waits for one. */
export class Turns {
  private readonly waiting: (() => void)[] = [];

  /** @param mostWaiting how many may wait; whoever comes after them is refused */
  constructor(
    private free: number,
    private readonly mostWaiting = Infinity,
  ) {}

  /**
   * Does `work` as soon as a place is free, and passes on what becomes of it.
   *
   * @param signal aborted by one who waits no longer: the place in the line is free for others at once
   * @throws AppError `unavailable` if too many wait already
   */
  async take<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await this.place(signal);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }

  private place(signal?: AbortSignal): Promise<void> {
    if (this.waiting.length >= this.mostWaiting) {
      const message = `Too many others ask for the same kind of work: ${this.waiting.length} wait for it already. Try again in a few seconds.`;
      throw new AppError("unavailable", message, { reason: "too_many_at_once" });
    }
    return new Promise<void>((resolve, reject) => {
      const come = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.waiting.splice(this.waiting.indexOf(come), 1);
        reject(askerGone());
      };
      this.waiting.push(come);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }
}

/** What ends the work for one who has gone: nobody will read it. */
export function askerGone(): AppError {
  return new AppError("conflict", "Whoever asked has gone.", { reason: "asker_gone" });
}
