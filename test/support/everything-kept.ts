// All that a service keeps, in a form in which two moments can be compared: its folders, and the rows of every table.
import { createHash } from "node:crypto";
import { lstat, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished } from "vitest";
import { makeDataSource } from "../../src/database/data-source.js";
import type { TestApp } from "./app.js";
import { PATIENCE } from "./patience.js";

const SMALL_BYTES = 1024 * 1024;

export interface Kept {
  /** Type, mode, size and content of every path; that of large files left out. */
  files: string[];
  /** Rows by table. */
  rows: Record<string, number>;
}

/**
 * Gives the reader of what a service keeps; it has a connection to the database of its own. It waits until staging is
 * empty: what was received goes when the answer is out, which may take a moment longer than reading it.
 */
export async function keptReader({ config }: TestApp): Promise<() => Promise<Kept>> {
  const dataSource = await makeDataSource(config.databaseUrl).initialize();
  onTestFinished(() => dataSource.destroy());
  const tables = dataSource.entityMetadatas.map(({ tableName }) => tableName).sort();
  const counts = tables
    .map((table) => `SELECT '${table}' AS name, COUNT(*) AS count FROM ${table}`)
    .join(" UNION ALL ");
  // Around the service's folders too: nothing may have climbed out of them.
  const home = path.dirname(config.dataDir);
  const folders = [home, config.uploadsDir].filter((folder, i) => i === 0 || !folder.startsWith(`${home}/`));
  const staged = () => readdir(`${config.uploadsDir}/.staging`);
  return async () => {
    if ((await staged()).length > 0) await expect.poll(staged, PATIENCE).toEqual([]);
    const rows = await dataSource.query<{ name: string; count: number | string }[]>(counts);
    return {
      files: (await Promise.all(folders.map(filesIn))).flat(),
      rows: Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)])),
    };
  };
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const own = names.filter((name) => !/^batchline\.sqlite/.test(name)).sort();
  return Promise.all(own.map((name) => describeFile(folder, name)));
}

async function describeFile(folder: string, name: string): Promise<string> {
  const place = path.join(folder, name);
  const facts = await lstat(place);
  const looked = facts.isFile() && facts.size <= SMALL_BYTES;
  const content = looked
    ? createHash("sha256")
        .update(await readFile(place))
        .digest("hex")
    : "";
  return [name, facts.mode.toString(8), facts.isFile() ? facts.size : "", content].join(" ");
}
