// What every write gets: the manager of its transaction, and a place for what may happen only after the commit.
import type { EntityManager } from "typeorm";

export class Transaction {
  private readonly callbacks: (() => void)[] = [];

  constructor(readonly manager: EntityManager) {}

  /** Runs `callback` once the transaction is durable; never if it is rolled back. What it throws undoes nothing. */
  afterCommit(callback: () => void): void {
    this.callbacks.push(callback);
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
