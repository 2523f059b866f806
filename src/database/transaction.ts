// What every write gets: the manager of its transaction, and places for what comes last in it and what comes after it.
import type { EntityManager } from "typeorm";

export class Transaction {
  private readonly lastActs: (() => Promise<void>)[] = [];
  private readonly callbacks: (() => void)[] = [];

  constructor(readonly manager: EntityManager) {}

  /** Makes `act` the last part of the transaction: it sees all that was written before, and fails the whole with it. */
  beforeCommit(act: () => Promise<void>): void {
    this.lastActs.push(act);
  }

  /** Runs `callback` once the transaction is durable; never if it is rolled back. What it throws undoes nothing. */
  afterCommit(callback: () => void): void {
    this.callbacks.push(callback);
  }

  /** For the database room alone: does what was to come last. */
  async complete(): Promise<void> {
    for (const act of this.lastActs) await act();
  }

  /** For the database room alone: tells the transaction that it is durable. */
  committed(): void {
    for (const callback of this.callbacks) {
      try {
        callback();
      } catch (error) {
        // The others must hear of it all the same, and whoever wrote must not be told that it failed.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }
}

export type Work<T> = (transaction: Transaction) => Promise<T>;
