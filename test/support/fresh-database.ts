// An empty database for one test: an SQLite file, or a database of its own on the server of TEST_DATABASE_URL.
import { randomBytes } from "node:crypto";
import path from "node:path";
import { createConnection } from "mysql2/promise";

export interface FreshDatabase {
  url: string;
  drop: () => Promise<void>;
}

/** The server that the suite runs on; undefined: SQLite. */
export const SERVER = process.env["TEST_DATABASE_URL"];

/** @param folder where an SQLite file goes; it is removed with the folder */
export async function freshDatabase(folder: string): Promise<FreshDatabase> {
  if (SERVER === undefined) {
    return { url: `sqlite:${path.join(folder, "batchline.sqlite")}`, drop: () => Promise.resolve() };
  }
  const name = `batchline_${randomBytes(6).toString("hex")}`;
  await onServer(`CREATE DATABASE ${name}`);
  return { url: `${SERVER}/${name}`, drop: () => onServer(`DROP DATABASE ${name}`) };
}

async function onServer(statement: string): Promise<void> {
  const connection = await createConnection((SERVER ?? "").replace(/^mariadb:/, "mysql:"));
  await connection.query(statement);
  await connection.end();
}
