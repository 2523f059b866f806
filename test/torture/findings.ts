// What an audit finds: faults, each with its kind and a sentence, and what was counted on the way.

export const FAULT_KINDS = [
  /** An occurrence, a planned successor or a promised execution without a row. */
  "missing",
  /** A row at an instant that is no occurrence, or a start that no row knows of. */
  "invented",
  /** Two rows for one thing, or one attempt started twice. */
  "doubled",
  "wrong_exit",
  /** Lost without anybody having killed its worker. */
  "lost",
  /** A log that differs from what the script wrote, or from what the row says of it. */
  "log",
  /** A final row that changed later. */
  "changed",
  /** Not final after everything has come to rest. */
  "stuck",
  /** An end that nothing of what happened accounts for. */
  "status",
  /** A successor that ran or was aborted against the results of its predecessors. */
  "chain",
  /** Two scripts at once where the batch forbids it. */
  "overlap",
  /** More scripts at once than CONCURRENCY allows. */
  "concurrency",
  /** A trigger that stopped firing. */
  "mute",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  kind: FaultKind;
  text: string;
}

export class Findings {
  readonly faults: Fault[] = [];
  /** Rows of the ledger. */
  executions = 0;
  /** Occurrences that must have a row. */
  planned = 0;
  /** Rows of occurrences whose script started exactly once in each attempt. */
  startedOnce = 0;
  /** Lost, with the worker that had it in hand killed by the torture. */
  lostExplained = 0;
  /** Logs compared byte by byte. */
  logsCompared = 0;

  add(kind: FaultKind, text: string): void {
    this.faults.push({ kind, text });
  }

  count(kind: FaultKind): number {
    return this.faults.filter((fault) => fault.kind === kind).length;
  }
}
