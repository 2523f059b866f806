// SQLite has one writing connection: its queue runs one piece of work at a time, and commits a burst of them together.
import type { QueryRunner } from "typeorm";
import { Transaction, type Work } from "./transaction.js";

/** How many waiting pieces of work share one commit, and with it one wait for the disk. */
const MAX_GROUP = 32;

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
    // IMMEDIATE: a transaction that begins by reading could not become a writer beside another process.
    await this.queryRunner.query("BEGIN IMMEDIATE");
    try {
      const settles: Settle[] = [];
      for (const waiting of group) settles.push(await this.runAlone(waiting));
      await this.queryRunner.query("COMMIT");
      return settles;
    } catch (error) {
      await this.queryRunner.query("ROLLBACK").catch(() => undefined);
      throw error;
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
