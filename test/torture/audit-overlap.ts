// The auditor's view of time: what the scripts themselves say of when they ran, against the limits on running at once.
import type { Execution } from "../../src/entities/execution.js";
import { runIdOf } from "../../src/handlers/workspace.js";
import { nameOf } from "./audit.js";
import type { Facts } from "./facts.js";
import type { Findings } from "./findings.js";
import { groupBy } from "./group.js";

/** A script's time in seconds; it ran at least so long. */
interface Interval {
  row: Execution;
  from: number;
  to: number;
}

export function auditOverlap(facts: Facts, findings: Findings): void {
  const intervals = intervalsOf(facts);
  const most = mostAtOnce(intervals);
  if (most > facts.concurrency) {
    findings.add("concurrency", `${most} scripts ran at once, where ${facts.concurrency} may`);
  }
  const exclusive = new Set(facts.batches.flatMap(({ id, config }) => (config.overlap === "allow" ? [] : [id])));
  for (const [batchId, own] of groupBy(intervals, ({ row }) => row.batchId)) {
    if (!exclusive.has(batchId)) continue;
    own.sort((a, b) => a.from - b.from);
    own.forEach((interval, i) => {
      const next = own[i + 1];
      if (next && next.from < interval.to) {
        findings.add("overlap", `${nameOf(next.row)} started while ${nameOf(interval.row)} ran`);
      }
    });
  }
}

/**
 * The times of the scripts that told both their start and their end. One whose worker was killed at a bad moment may
 * outlive its row, as is said of `lost`: what it does then is nobody's promise.
 */
function intervalsOf({ executions, testimonies, journal }: Facts): Interval[] {
  const rows = new Map(executions.map((row) => [row.id, row]));
  const victims = new Set(journal.flatMap((entry) => (entry.kind === "worker_killed" ? [entry.run] : [])));
  const begun = new Map<string, number>();
  const intervals: Interval[] = [];
  for (const { execution, attempt, at, code } of testimonies) {
    const run = runIdOf(execution, attempt);
    const row = rows.get(execution);
    const from = begun.get(run);
    if (code === null) begun.set(run, at);
    else if (row && from !== undefined && !victims.has(run)) intervals.push({ row, from, to: at });
  }
  return intervals;
}

function mostAtOnce(intervals: Interval[]): number {
  const changes = intervals.flatMap(({ from, to }) => [
    { at: from, by: 1 },
    { at: to, by: -1 },
  ]);
  // At the same instant the end counts first.
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let running = 0;
  let most = 0;
  for (const { by } of changes) most = Math.max(most, (running += by));
  return most;
}
