// Lets TypeORM's better-sqlite3 driver talk to @photostructure/sqlite, which needs no compiler on any supported Node.
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from "@photostructure/sqlite";

type Bindable = null | number | bigint | string | Uint8Array;

/** SQLite's extended result codes of a broken unique index or primary key. */
const UNIQUE_VIOLATIONS = [2067, 1555];
/** The low byte of every code that says: locked by another connection. */
const BUSY = 5;

const DISK_FULL = 13;

/** The part of the wrapped statement's interface that TypeORM calls. */
class Statement {
  /** True if the statement yields rows. */
  readonly reader: boolean;

  constructor(private readonly statement: StatementSyncInstance) {
    this.reader = statement.columns().length > 0;
  }

  all(...values: unknown[]): unknown[] {
    return translateErrors(() => this.statement.all(...values.map(bindable)) as unknown[]);
  }

  run(...values: unknown[]): { changes: number; lastInsertRowid: number } {
    const { changes, lastInsertRowid } = translateErrors(() => this.statement.run(...values.map(bindable)));
    return { changes, lastInsertRowid: Number(lastInsertRowid) };
  }
}

/** Refuses what the engine would misread: it takes objects, dates among them, for named parameters and binds null. */
function bindable(value: unknown): Bindable {
  if (value === undefined) return null;
  if (value === null || typeof value === "number" || typeof value === "bigint" || typeof value === "string")
    return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`A value of type ${typeof value} cannot be bound to a statement.`);
}

/** True if a statement failed because another process holds the lock that it needs. */
export function isBusyError(error: unknown): boolean {
  const { errcode } = (error ?? {}) as { errcode?: number };
  return errcode !== undefined && (errcode & 0xff) === BUSY;
}

function translateErrors<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { errcode = 0 } = error as { errcode?: number };
    const code = UNIQUE_VIOLATIONS.includes(errcode) ? "UNIQUE_VIOLATION" : errcode === DISK_FULL ? "DISK_FULL" : null;
    if (code !== null) Object.assign(error as Error, { code });
    throw error;
  }
}

/** The class that TypeORM gets as its `driver`. */
export class SqliteConnection {
  private readonly database: DatabaseSyncInstance;

  constructor(file: string, options: { readonly?: boolean; timeout?: number } = {}) {
    this.database = new DatabaseSync(file, { readOnly: options.readonly ?? false, timeout: options.timeout ?? 5000 });
  }

  prepare(sql: string): Statement {
    return translateErrors(() => new Statement(this.database.prepare(sql)));
  }

  exec(sql: string): void {
    translateErrors(() => this.database.exec(sql));
  }

  pragma(text: string): unknown[] {
    return this.database.prepare(`PRAGMA ${text}`).all();
  }

  close(): void {
    this.database.close();
  }
}
