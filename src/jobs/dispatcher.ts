// The dispatcher: whenever something may have become claimable, has it claimed, and hands what is claimed to the runner.
import type { Database } from "../database/database.js";
import { anyQueued, waitingExecutions } from "../database/queue-queries.js";
import type { Execution } from "../entities/execution.js";
import type { Clock } from "../handlers/clock.js";
import type { Logger } from "../handlers/logger.js";
import type { Owner } from "./ownership.js";
import type { Queue } from "./queue.js";
import type { Runner } from "./runner.js";
import type { Stopper } from "./stopper.js";
import { Timer } from "./timer.js";
import { Turnstile } from "./turnstile.js";
import { waitingVerdict } from "./waiting.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  runner: Runner;
  stopper: Stopper;
  clock: Clock;
  owner: Owner;
  logger: Logger;
}

export class Dispatcher {
  private readonly claiming = new Turnstile(() => this.with_.queue.claim());
  private readonly releasing = new Turnstile(() => this.releaseWaiting());
  private readonly timer: Timer;
  /** The instants from which executions may be claimed for another attempt. */
  private retries: number[] = [];
  /** The batches that somebody is known to wait for; another process's waiting executions are seen when we `look`. */
  private awaited = new Set<number>();

  constructor(private readonly with_: Collaborators) {
    this.timer = new Timer(with_.clock, () => this.retry());
  }

  start(): void {
    const { owner, queue, runner, stopper } = this.with_;
    queue.listen({
      onQueued: () => this.wake(),
      onRetry: (at) => this.retryAt(at),
      onClaimed: (executions) => {
        for (const execution of executions) void runner.run(execution);
      },
      onStopping: (execution) => {
        // Another process's script is ended by that process: only there the grace time is counted once.
        if (execution.claimedBy === owner) void stopper.end(execution);
      },
      onSettled: (executions) => this.settled(executions),
    });
    this.wake();
    this.try(this.releasing);
  }

  /** Looks for what may be claimed or need not wait any more. To be called now and again: others may have changed it. */
  async look(): Promise<void> {
    this.try(this.releasing);
    if (await this.with_.database.read(anyQueued)) this.wake();
  }

  /** Waits for what is just being claimed. */
  async close(): Promise<void> {
    this.timer.close();
    await Promise.all([this.claiming.close(), this.releasing.close()]);
  }

  private wake(): void {
    this.try(this.claiming);
  }

  private try(turnstile: Turnstile): void {
    turnstile.pass().catch((error: unknown) => {
      this.with_.logger.error({ err: error }, "the queue could not be looked at; it is tried again");
    });
  }

  private retryAt(at: number): void {
    this.retries.push(at);
    this.timer.set(Math.min(...this.retries));
  }

  private retry(): void {
    const now = this.with_.clock.now();
    this.retries = this.retries.filter((at) => at > now);
    if (this.retries.length > 0) this.timer.set(Math.min(...this.retries));
    this.wake();
  }

  private settled(executions: Execution[]): void {
    for (const { waits } of executions) for (const { batchId } of waits ?? []) this.awaited.add(batchId);
    if (executions.some(({ status, batchId }) => status === "waiting" || this.awaited.has(batchId))) {
      this.try(this.releasing);
    }
  }

  /** Queues every waiting execution for which what it waited for has come, and dismisses those that wait in vain. */
  private async releaseWaiting(): Promise<void> {
    const { database, queue } = this.with_;
    const waiting = await database.read(waitingExecutions);
    this.awaited = new Set(waiting.flatMap(({ waits }) => waits ?? []).map(({ batchId }) => batchId));
    for (const row of waiting) {
      if ((await database.read((manager) => waitingVerdict(manager, row))) === "wait") continue;
      await database.write(async (transaction) => {
        const verdict = await waitingVerdict(transaction.manager, row);
        if (verdict === "wait") return;
        await (verdict === "queue" ? queue.release(transaction, row) : queue.dismiss(transaction, row, verdict));
      });
    }
  }
}
