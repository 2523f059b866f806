// All that the auditor goes by: the rows, the log files, the scripts' own testimony, and the journal of the torture.
import { readFileSync } from "node:fs";
import path from "node:path";
import { makeDataSource } from "../../src/database/data-source.js";
import { Attempt } from "../../src/entities/attempt.js";
import { Batch } from "../../src/entities/batch.js";
import { ChainRun } from "../../src/entities/chain-run.js";
import { Execution } from "../../src/entities/execution.js";
import { Link } from "../../src/entities/link.js";
import { Trigger } from "../../src/entities/trigger.js";
import { LogStore, type LogStream } from "../../src/handlers/log-store.js";
import { behaviourOf, type Behaviour } from "./behaviour.js";
import { readJournal, readWitness, type Entry, type Testimony } from "./journal.js";

/** Where a torture keeps its things, all inside one folder. */
export interface Places {
  folder: string;
  uploads: string;
  logs: string;
  data: string;
  /** Lines of the scripts, see `behaviour`. */
  witness: string;
  journal: string;
  /** The bytes that scripts print, see `behaviour`. */
  bytes: string;
}

export function placesIn(folder: string): Places {
  const inside = (name: string) => path.join(folder, name);
  return {
    folder,
    uploads: inside("uploads"),
    logs: inside("logs"),
    data: inside("data"),
    witness: inside("witness"),
    journal: inside("journal"),
    bytes: inside("bytes"),
  };
}

export interface Facts {
  batches: Batch[];
  triggers: Trigger[];
  links: Link[];
  chainRuns: ChainRun[];
  /** Oldest first. */
  executions: Execution[];
  /** Those that were followed by another one. */
  attempts: Attempt[];
  journal: Entry[];
  testimonies: Testimony[];
  /** How many scripts may run at once. */
  concurrency: number;
  /** The bytes of a log; null if there is no such file. */
  log(executionId: number, attempt: number, stream: LogStream): Buffer | null;
  expected(executionId: number, attempt: number): Behaviour;
}

/** Reads everything once; nothing is written. @param databaseUrl as the service knows it */
export async function collectFacts(databaseUrl: string, places: Places, concurrency: number): Promise<Facts> {
  const database = makeDataSource(databaseUrl, { readOnly: true });
  await database.initialize();
  try {
    const { manager } = database;
    const logs = new LogStore({ folder: places.logs });
    const bytes = readFileSync(places.bytes);
    return {
      batches: await manager.find(Batch),
      triggers: await manager.find(Trigger),
      links: await manager.find(Link),
      chainRuns: await manager.find(ChainRun),
      executions: await manager.find(Execution, { order: { id: "ASC" } }),
      attempts: await manager.find(Attempt),
      journal: readJournal(places.journal),
      testimonies: readWitness(places.witness),
      concurrency,
      log: (executionId, attempt, stream) => contentOf(logs.pathFor({ executionId, attempt, stream })),
      expected: (executionId, attempt) => behaviourOf(executionId, attempt, bytes),
    };
  } finally {
    await database.destroy();
  }
}

function contentOf(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}
