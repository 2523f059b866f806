// Waits for events by name instead of by the clock. Remembers what has happened, so that nothing is missed.
import type { EventLog, LoggedEvent } from "../../src/handlers/event-log.js";
import type { EventKind } from "../../src/models/event.js";

const PATIENCE_MS = 15_000;

export class EventWatch {
  readonly seen: LoggedEvent[] = [];
  private taken = new Set<LoggedEvent>();
  private readonly waiting = new Set<() => void>();
  private readonly forget: () => void;

  constructor(log: EventLog) {
    this.forget = log.subscribe((event) => {
      this.seen.push(event);
      for (const wake of [...this.waiting]) wake();
    });
  }

  /** The next event of this kind that no call of `next` has given yet. */
  async next(kind: EventKind): Promise<LoggedEvent> {
    const event = await this.find((candidate) => candidate.kind === kind && !this.taken.has(candidate));
    this.taken.add(event);
    return event;
  }

  /** The first event, past or to come, of which `matches` is true. */
  async find(matches: (event: LoggedEvent) => boolean): Promise<LoggedEvent> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const found = this.seen.find(matches);
      if (found) return found;
      await this.another(deadline);
    }
  }

  /** Resolves with the next event of any kind. */
  private another(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        this.waiting.delete(wake);
        deadline.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        this.waiting.delete(wake);
        reject(new Error(`No such event; seen: ${this.seen.map(({ kind }) => kind).join(", ")}`));
      };
      this.waiting.add(wake);
      deadline.addEventListener("abort", giveUp, { once: true });
    });
  }

  count(kind: EventKind): number {
    return this.seen.filter((event) => event.kind === kind).length;
  }

  close(): void {
    this.forget();
  }
}
