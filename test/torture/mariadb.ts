// A private MariaDB for one phase of the torture: the one of tools/with-mariadb.sh, held up as long as we hold its input.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { createConnection } from "mysql2/promise";

export interface MariaDb {
  /** Of an empty database on it. */
  url: string;
  stop(): Promise<void>;
}

const TOOL = path.resolve(import.meta.dirname, "../../tools/with-mariadb.sh");

/** @throws Error if there is no MariaDB and none can be installed; the tool has said why */
export async function startMariaDb(): Promise<MariaDb> {
  // `cat` ends with its input: when we end it, or when we end.
  const command = ["bash", "-c", 'echo "$TEST_DATABASE_URL"; exec cat'];
  const tool = spawn("bash", [TOOL, ...command], { stdio: ["pipe", "pipe", "inherit"], detached: true });
  const ended = once(tool, "exit");
  const stop = async () => {
    tool.stdin.end();
    await ended;
  };
  for await (const server of createInterface(tool.stdout)) {
    const connection = await createConnection(server.replace(/^mariadb:/, "mysql:"));
    await connection.query("CREATE DATABASE torture");
    await connection.end();
    tool.stdout.resume();
    return { url: `${server}/torture`, stop };
  }
  throw new Error("MariaDB could not be started.");
}
