// The data source of either dialect, from one DATABASE_URL.
import "reflect-metadata";
import path from "node:path";
import { DataSource, type DataSourceOptions } from "typeorm";
import { ENTITIES } from "../entities/index.js";
import { AppError } from "../errors.js";
import { MIGRATIONS } from "./migrations/index.js";
import { SqliteConnection } from "./sqlite-driver.js";

export type Dialect = "sqlite" | "mysql";

const SHARED = { entities: ENTITIES, migrations: MIGRATIONS, migrationsTransactionMode: "each" } as const;

/** Which dialect a database URL speaks; AppError `invalid` if none. */
export function dialectOf(url: string): Dialect {
  if (url.startsWith("sqlite:")) return "sqlite";
  if (/^(mysql|mariadb):\/\//.test(url)) return "mysql";
  throw new AppError("invalid", "DATABASE_URL must begin with sqlite:, mysql:// or mariadb://.");
}

function sqliteOptions(url: string, readOnly: boolean): DataSourceOptions {
  const file = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
  return {
    ...SHARED,
    type: "better-sqlite3",
    driver: SqliteConnection,
    database: path.resolve(file),
    readonly: readOnly,
    timeout: 10_000,
    statementCacheSize: 500,
    prepareDatabase: (connection: SqliteConnection) => {
      // A reader cannot change the journal mode, and finds it set: the writer opens first.
      if (!readOnly) connection.pragma("journal_mode = WAL");
      // With NORMAL a power cut may undo committed rows; a queued run must be durable once it was promised.
      connection.pragma("synchronous = FULL");
      connection.pragma("cache_size = -16384");
      // Ten times the default: a burst of runs is copied into the database file in fewer, larger portions.
      connection.pragma("wal_autocheckpoint = 10000");
    },
  };
}

function mysqlOptions(url: string): DataSourceOptions {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  return {
    ...SHARED,
    // TypeORM sees endless schema differences on MariaDB unless it is told that it is one.
    type: protocol === "mariadb:" ? "mariadb" : "mysql",
    host: hostname,
    port: port === "" ? 3306 : Number(port),
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    charset: "utf8mb4",
    connectTimeout: 5000,
    poolSize: 10,
  };
}

/**
 * Makes a data source, not yet opened.
 *
 * @param readOnly SQLite only: a second connection that sees nothing but committed rows
 */
export function makeDataSource(url: string, { readOnly = false } = {}): DataSource {
  const sqlite = dialectOf(url) === "sqlite";
  const dataSource = new DataSource(sqlite ? sqliteOptions(url, readOnly) : mysqlOptions(url));
  // SQLite takes any type name with TEXT in it for text; TypeORM's list does not know that.
  if (sqlite) dataSource.driver.supportedDataTypes.push("longtext");
  return dataSource;
}
