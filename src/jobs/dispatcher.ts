// The dispatcher: whenever something may have become claimable, has it claimed, and hands what is claimed to the runner.
import type { Logger } from "../handlers/logger.js";
import type { Queue } from "./queue.js";
import type { Runner } from "./runner.js";
import type { Stopper } from "./stopper.js";

interface Collaborators {
  queue: Queue;
  runner: Runner;
  stopper: Stopper;
  logger: Logger;
}

/** After a claim that failed, because the database was out of reach, it is tried again so much later. */
const RETRY_AFTER_MS = 1000;

export class Dispatcher {
  private claiming = false;
  private asked = false;
  private closed = false;
  private retry: NodeJS.Timeout | null = null;

  constructor(private readonly with_: Collaborators) {}

  start(): void {
    this.with_.queue.listen({
      onQueued: () => void this.wake(),
      onClaimed: (executions) => {
        for (const execution of executions) void this.with_.runner.run(execution);
      },
      onStopping: (execution) => void this.with_.stopper.end(execution),
    });
    void this.wake();
  }

  close(): void {
    this.closed = true;
    if (this.retry) clearTimeout(this.retry);
  }

  /** Claims until nothing is claimable. Being asked again meanwhile makes it look once more. */
  private async wake(): Promise<void> {
    this.asked = true;
    if (this.claiming) return;
    this.claiming = true;
    try {
      while (this.takeAsk()) await this.with_.queue.claim();
    } catch (error) {
      this.with_.logger.error({ err: error }, "claiming failed");
      this.retry = setTimeout(() => void this.wake(), RETRY_AFTER_MS).unref();
    } finally {
      this.claiming = false;
    }
  }

  private takeAsk(): boolean {
    const asked = this.asked && !this.closed;
    this.asked = false;
    return asked;
  }
}
