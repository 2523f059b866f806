// SQLite has one writing connection: its queue runs one piece of work at a time, and commits a burst of them together.
import { setTimeout as delay } from "node:timers/promises";
import { QueryFailedError, type QueryRunner } from "typeorm";
import { AppError } from "../errors.js";
import { isBusyError } from "./sqlite-driver.js";
import { Transaction, type Work } from "./transaction.js";

/** How many waiting pieces of work share one commit, and with it one wait for the disk. */
const MAX_GROUP = 32;

/** So long the statements of a group may keep everything else of this process waiting, about. */
const TURN_MS = 5;
const LOCK_PATIENCE_MS = 30_000;
const LOCK_LOOK_MS = 10;

interface Waiting {
  work: Work<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

type Settle = () => void;

/**
 * Serialises transactions on one SQLite connection.
 *
 * TypeORM shares that connection among all callers, so that without the queue one caller's rollback would undo
 * another's rows. Each piece of work has its own savepoint: it fails alone.
 */
export class SqliteWriter {
  private readonly waiting: Waiting[] = [];
  private busy = false;

  constructor(private readonly queryRunner: QueryRunner) {}

  write<T>(work: Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
      if (!this.busy) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.busy = true;
    while (this.waiting.length > 0) {
      // A turn of the loop lets everything that is ready join in: one wait for the disk then serves them all.
      await new Promise(setImmediate);
      const group = this.waiting.splice(0, MAX_GROUP);
      try {
        const settles = await this.commitTogether(group);
        for (const settle of settles) settle();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.busy = false;
  }

  /** One transaction around the whole group; resolves with what to tell each caller once all of it is durable. */
  private async commitTogether(group: Waiting[]): Promise<Settle[]> {
    await this.begin();
    try {
      const settles: Settle[] = [];
      let turnBegan = performance.now();
      for (const waiting of group) {
        settles.push(await this.runAlone(waiting));
        if (performance.now() - turnBegan < TURN_MS) continue;
        // The statements run on this very thread: others must get their turn, though all of it is one transaction.
        await new Promise(setImmediate);
        turnBegan = performance.now();
      }
      await this.queryRunner.query("COMMIT");
      return settles;
    } catch (error) {
      await this.queryRunner.query("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }

  /**
   * Begins a transaction, and waits for one of another process without holding up this one.
   *
   * @throws AppError `unavailable` if that takes too long
   */
  private async begin(): Promise<void> {
    const deadline = performance.now() + LOCK_PATIENCE_MS;
    for (;;) {
      try {
        // IMMEDIATE: a transaction that begins by reading could not become a writer beside another process.
        await this.queryRunner.query("BEGIN IMMEDIATE");
        return;
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (performance.now() > deadline) {
          const message = "The database is held by another process; try again shortly.";
          throw new AppError("unavailable", message, { cause: error });
        }
        await delay(1 + Math.random() * LOCK_LOOK_MS);
      }
    }
  }

  private async runAlone({ work, resolve, reject }: Waiting): Promise<Settle> {
    const transaction = new Transaction(this.queryRunner.manager);
    await this.queryRunner.query("SAVEPOINT work");
    try {
      const value = await work(transaction);
      await this.queryRunner.query("RELEASE work");
      return () => {
        transaction.committed();
        resolve(value);
      };
    } catch (error) {
      await this.queryRunner.query("ROLLBACK TO work");
      await this.queryRunner.query("RELEASE work");
      return () => reject(error);
    }
  }
}

function isBusy(error: unknown): boolean {
  return isBusyError(error instanceof QueryFailedError ? error.driverError : error);
}
