// The installation: one database, one data folder and one uploads folder belong together. Run folders are named by the ids of
// executions, and artifacts without a row are swept: beside another database, foreign runs and artifacts would be taken for ours.
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { In } from "typeorm";
import { isUniqueViolation, type Database } from "../database/database.js";
import { Artifact } from "../entities/artifact.js";
import { Execution } from "../entities/execution.js";
import { ServiceState } from "../entities/service-state.js";
import { AppError } from "../errors.js";
import { makeWholeFile } from "./whole-file.js";

const FILE = "installation";
const UPLOADS_FILE = ".installation";
/** Another process that starts for the first time at the same moment has laid its mark into the folder after so long. */
const PATIENCE_MS = 2000;
const LOOK_EVERY_MS = 50;
const KEYS_AT_ONCE = 500;

/**
 * Makes sure that the database and the data folder belong together; new ones are tied to each other from now on. Several
 * service processes may do so at once.
 *
 * @throws AppError `conflict`, in words that say how to mend it, if one of them belongs to another installation
 */
export async function tieInstallation(database: Database, dataFolder: string): Promise<void> {
  const { mark, isNew } = await markOf(database);
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = readMark(path.join(dataFolder, FILE));
    if (found === mark) return;
    if (found !== null) throw refusal("DATA_DIR", `it belongs to another database. ${mend("DATA_DIR", FILE, mark)}`);
    const inUse = await isInUse(database);
    if (isNew || !inUse) {
      if (!inUse) refuseForeignRuns(dataFolder, mark);
      layMark(dataFolder, FILE, mark);
      return;
    }
    if (performance.now() > deadline) {
      throw refusal("DATA_DIR", `this database was used with another one. ${mend("DATA_DIR", FILE, mark)}`);
    }
    await delay(LOOK_EVERY_MS);
  }
}

/**
 * Makes sure of the same for the uploads folder, before anything in it is swept.
 *
 * @param keys the artifacts in it: of a folder without a mark, from before there were marks, this database must know one
 * @throws AppError `conflict` if it belongs to another installation
 */
export async function tieUploads(database: Database, uploadsFolder: string, keys: string[]): Promise<void> {
  const { mark } = await markOf(database);
  const found = readMark(path.join(uploadsFolder, UPLOADS_FILE));
  if (found === mark) return;
  if (found !== null || (keys.length > 0 && !(await knowsAny(database, keys)))) {
    const why = `it holds uploads of another database. ${mend("UPLOADS_DIR", UPLOADS_FILE, mark)}`;
    throw refusal("UPLOADS_DIR", why);
  }
  layMark(uploadsFolder, UPLOADS_FILE, mark);
}

async function knowsAny(database: Database, keys: string[]): Promise<boolean> {
  for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
    const storageKey = In(keys.slice(from, from + KEYS_AT_ONCE));
    if (await database.read((manager) => manager.existsBy(Artifact, { storageKey }))) return true;
  }
  return false;
}

function mend(setting: string, file: string, mark: string): string {
  return (
    `Set ${setting} and DATABASE_URL to what belongs together. ` +
    `If the other one is lost for good, write ${mark} into the file "${file}" in ${setting}.`
  );
}

function refusal(setting: "DATA_DIR" | "UPLOADS_DIR", why: string): AppError {
  return new AppError("conflict", `The service cannot use the folder ${setting}: ${why}`, {
    reason: setting === "DATA_DIR" ? "wrong_data_folder" : "wrong_uploads_folder",
  });
}

async function markOf(database: Database): Promise<{ mark: string; isNew: boolean }> {
  const read = () => database.read((manager) => manager.findOneBy(ServiceState, { name: FILE }));
  const known = await read();
  if (known) return { mark: known.value, isNew: false };
  const value = randomBytes(8).toString("hex");
  try {
    await database.write(({ manager }) => manager.insert(ServiceState, { name: FILE, value }));
    return { mark: value, isNew: true };
  } catch (error) {
    // Another process was first.
    if (!isUniqueViolation(error)) throw error;
    return { mark: (await read())?.value ?? value, isNew: false };
  }
}

function isInUse(database: Database): Promise<boolean> {
  return database.read((manager) => manager.existsBy(Execution, {}));
}

function readMark(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** What runs lie in the folder are none of a database that has never run anything. */
function refuseForeignRuns(dataFolder: string, mark: string): void {
  const runs = path.join(dataFolder, "runs");
  if (!existsSync(runs) || readdirSync(runs).length === 0 || readMark(path.join(dataFolder, FILE)) === mark) return;
  throw refusal(
    "DATA_DIR",
    'it holds runs of another database. Set another DATA_DIR, or remove the folder "runs" in it.',
  );
}

/** Puts the mark into the folder. */
function layMark(folder: string, name: string, mark: string): void {
  const file = path.join(folder, name);
  if (!makeWholeFile(file, `${mark}\n`, 0o640) && readMark(file) !== mark)
    throw new Error(`Another mark was put into ${name} at the same moment.`);
}
