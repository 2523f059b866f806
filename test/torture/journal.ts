// What the torture did to the service, and what it saw of it, as lines of a file: the auditor reads it beside the ledger.
import { appendFileSync, readFileSync } from "node:fs";

/** Instants are the service's own, in ms since 1970: between `from` and `by` it happened. */
export type Entry =
  /** The batch's trigger was armed: by its upload, or by enabling it. */
  | { kind: "armed"; batch: string; from: number; by: number }
  /** It was disabled; every occurrence before `watermark` had its row by then. */
  | { kind: "disarmed"; batch: string; from: number; by: number; watermark: number | null }
  /** All was calm and the watermark still lay in the past after a long wait. */
  | { kind: "mute"; batch: string; watermark: number }
  /** The service promised this execution to somebody who asked for it. */
  | { kind: "asked"; execution: number }
  /** Somebody asked to cancel it; `accepted` once the service had said yes. */
  | { kind: "cancel"; execution: number; accepted: boolean }
  /** A worker was killed while it had this attempt in hand: it may be lost. `run` is `<execution>-<attempt>`. */
  | { kind: "worker_killed"; run: string }
  /** The row was seen with this final status. */
  | { kind: "final"; execution: number; status: string; exitCode: number | null; finishedAt: number | null };

export class Journal {
  constructor(private readonly file: string) {}

  /** Written before this returns. */
  add(...entries: Entry[]): void {
    appendFileSync(this.file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  }
}

export function readJournal(file: string): Entry[] {
  return lines(file).map((line) => JSON.parse(line) as Entry);
}

/** One line that a script wrote about itself. */
export interface Testimony {
  execution: number;
  attempt: number;
  /** Seconds since 1970, by the machine's clock, which nobody sets. */
  at: number;
  /** null: it started; else the code that it ended with. */
  code: number | null;
}

/** The witness file, in the order of writing; no file: no script ever started. */
export function readWitness(file: string): Testimony[] {
  return lines(file).map((line) => {
    const [execution, attempt, , , at, what, code] = line.split(" ");
    return {
      execution: Number(execution),
      attempt: Number(attempt),
      at: Number(at),
      code: what === "end" ? Number(code) : null,
    };
  });
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
