// The one door to the database: opens it, brings its schema up to date, reads, and writes in transactions.
import { setTimeout as delay } from "node:timers/promises";
import { QueryFailedError, type DataSource, type EntityManager } from "typeorm";
import { AppError } from "../errors.js";
import { dialectOf, makeDataSource, type Dialect } from "./data-source.js";
import { migrate } from "./migrate.js";
import { SqliteWriter } from "./sqlite-writer.js";
import { Transaction, type Work } from "./transaction.js";

/** Driver codes of a database that cannot be reached at the moment. */
const OUT_OF_REACH = /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|PROTOCOL_|ER_CON_COUNT|POOL_)/;
/** Driver codes of a transaction that lost against another and may simply be tried again. */
const LOST_RACE = ["ER_LOCK_DEADLOCK", "ER_LOCK_WAIT_TIMEOUT", "ER_LOCK_NOWAIT", "ER_CHECKREAD"];
/** Driver codes of a disk, or of room set aside for the database, that is used up. */
const FULL = ["DISK_FULL", "ER_DISK_FULL", "ER_RECORD_FILE_FULL"];
/** A transaction that keeps losing is given up after so long. */
const PATIENCE_MS = 15_000;
const LONGEST_PAUSE_MS = 200;
const BUSY_TIMEOUT_MS = 5;

function driverCode(error: unknown): string {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

/** True if a statement failed because a unique index already holds that value. */
export function isUniqueViolation(error: unknown): boolean {
  return ["UNIQUE_VIOLATION", "ER_DUP_ENTRY"].includes(driverCode(error));
}

/** What callers get to see: a database that cannot do it at the moment is told in words, all else stays as it is. */
function translate(error: unknown): unknown {
  if (FULL.includes(driverCode(error))) {
    const message =
      "The disk that keeps the database is full. Ask those who run this service to make room, then try again.";
    return new AppError("insufficient_storage", message, { reason: "disk_full", cause: error });
  }
  if (LOST_RACE.includes(driverCode(error))) {
    return new AppError("unavailable", "The database has too much to do at the moment; try again shortly.", {
      cause: error,
    });
  }
  if (!OUT_OF_REACH.test(driverCode(error))) return error;
  return new AppError("unavailable", "The database is out of reach at the moment; try again shortly.", {
    cause: error,
  });
}

export class Database {
  private constructor(
    readonly dialect: Dialect,
    private readonly writing: DataSource,
    private readonly reading: DataSource,
    private readonly sqliteWriter: SqliteWriter | null,
  ) {}

  /**
   * Opens the database and migrates it.
   *
   * @param waitMs how long to wait for a server that does not answer yet
   * @param onWait told once, when waiting begins
   * @throws AppError `unavailable` if it cannot be opened, `conflict` if it is newer than this program
   */
  static async open(url: string, { waitMs = 0, onWait = () => {} }: { waitMs?: number; onWait?: () => void } = {}) {
    const dialect = dialectOf(url);
    const writing = makeDataSource(url);
    await connect(writing, waitMs, onWait);
    try {
      await migrate(writing, dialect);
    } catch (error) {
      await writing.destroy();
      throw error;
    }
    // Waiting for a lock inside the engine holds up the whole process: from now on the writer waits by itself.
    if (dialect === "sqlite") await writing.query(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (dialect === "mysql") return new Database(dialect, writing, writing, null);
    const reading = makeDataSource(url, { readOnly: true });
    await reading.initialize();
    return new Database(dialect, writing, reading, new SqliteWriter(writing.createQueryRunner()));
  }

  /** Reads committed rows. */
  async read<T>(query: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await query(this.reading.manager);
    } catch (error) {
      throw translate(error);
    }
  }

  /**
   * Runs `work` in one transaction; what it throws rolls back all that it wrote. On MySQL a transaction that lost a
   * race is run again, so `work` must have no effect but through its transaction, and on neither dialect may it wait
   * for anything but the database, nor call `write` itself.
   */
  async write<T>(work: Work<T>): Promise<T> {
    const whole: Work<T> = async (transaction) => {
      const value = await work(transaction);
      await transaction.complete();
      return value;
    };
    try {
      return await (this.sqliteWriter?.write(whole) ?? this.writeOnServer(whole));
    } catch (error) {
      throw translate(error);
    }
  }

  async close(): Promise<void> {
    if (this.reading !== this.writing) await this.reading.destroy();
    await this.writing.destroy();
  }

  private async writeOnServer<T>(work: Work<T>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (let attempt = 1; ; attempt++) {
      let transaction: Transaction | undefined;
      try {
        const value = await this.writing.transaction("READ COMMITTED", (manager) => {
          transaction = new Transaction(manager);
          return work(transaction);
        });
        transaction?.committed();
        return value;
      } catch (error) {
        if (performance.now() > deadline || !LOST_RACE.includes(driverCode(error))) throw error;
        await delay(Math.random() * Math.min(20 * attempt, LONGEST_PAUSE_MS));
      }
    }
  }
}

/** Opens the connection; a server that is still starting is asked again each second until `waitMs` is over. */
async function connect(dataSource: DataSource, waitMs: number, onWait: () => void): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (let told = false; ; told = true) {
    try {
      await dataSource.initialize();
      return;
    } catch (error) {
      if (performance.now() > deadline || !OUT_OF_REACH.test(driverCode(error))) {
        throw new AppError("unavailable", `The database cannot be opened (${reasonOf(error)}). Check DATABASE_URL.`, {
          cause: error,
        });
      }
      if (!told) onWait();
      await delay(1000);
    }
  }
}

/** A driver's complaint without the parts that could hold a password or a path. */
function reasonOf(error: unknown): string {
  const code = driverCode(error);
  if (code === "ER_ACCESS_DENIED_ERROR") return "it refuses this user or password";
  if (code === "ER_BAD_DB_ERROR") return "the server has no such database; create it first";
  if (OUT_OF_REACH.test(code)) return `no server answers there: ${code}`;
  return code !== "" ? code : error instanceof Error ? error.message : String(error);
}
