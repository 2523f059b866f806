// The installation: one database and one data folder belong together. Run folders are named by the ids of executions, so
// that the database of one installation beside the folder of another would take foreign runs for its own.
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isUniqueViolation, type Database } from "../database/database.js";
import { Execution } from "../entities/execution.js";
import { ServiceState } from "../entities/service-state.js";
import { AppError } from "../errors.js";

const FILE = "installation";
/** Another process that starts for the first time at the same moment has laid its mark into the folder after so long. */
const PATIENCE_MS = 2000;
const LOOK_EVERY_MS = 50;

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
    const found = readMark(dataFolder);
    if (found === mark) return;
    if (found !== null) throw refusal(`it belongs to another database. ${mend(mark)}`);
    if (isNew || !(await isInUse(database))) {
      layMark(dataFolder, mark, await isInUse(database));
      return;
    }
    if (performance.now() > deadline) throw refusal(`this database was used with another one. ${mend(mark)}`);
    await delay(LOOK_EVERY_MS);
  }
}

function mend(mark: string): string {
  return (
    "Set DATA_DIR and DATABASE_URL to what belongs together. " +
    `If the other one is lost for good, write ${mark} into the file "${FILE}" in DATA_DIR.`
  );
}

function refusal(why: string): AppError {
  return new AppError("conflict", `The service cannot use the folder DATA_DIR: ${why}`, {
    reason: "wrong_data_folder",
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

function readMark(dataFolder: string): string | null {
  try {
    return readFileSync(path.join(dataFolder, FILE), "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/**
 * Puts the mark into the folder, whole at once.
 *
 * @param mayHoldRuns false: what runs lie there are none of this database
 */
function layMark(dataFolder: string, mark: string, mayHoldRuns: boolean): void {
  const runs = path.join(dataFolder, "runs");
  const [file, draft] = [
    path.join(dataFolder, FILE),
    path.join(dataFolder, `${FILE}.${randomBytes(4).toString("hex")}`),
  ];
  if (!mayHoldRuns && existsSync(runs) && readdirSync(runs).length > 0 && readMark(dataFolder) !== mark) {
    throw refusal('it holds runs of another database. Set another DATA_DIR, or remove the folder "runs" in it.');
  }
  writeFileSync(draft, `${mark}\n`, { mode: 0o640 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || readMark(dataFolder) !== mark) throw error;
  } finally {
    unlinkSync(draft);
  }
}
