// The auditor: holds the ledger against the schedules, the scripts' own testimony and the torture's journal.
import type { Execution } from "../../src/entities/execution.js";
import { isFinal } from "../../src/models/status.js";
import { auditChains } from "./audit-chains.js";
import { auditOccurrences } from "./audit-occurrences.js";
import { auditOverlap } from "./audit-overlap.js";
import { auditRuns } from "./audit-runs.js";
import type { Facts } from "./facts.js";
import { Findings } from "./findings.js";

/** Judges a ledger that has come to rest. */
export function audit(facts: Facts): Findings {
  const findings = new Findings();
  findings.executions = facts.executions.length;
  for (const row of facts.executions) if (!isFinal(row.status)) findings.add("stuck", `${nameOf(row)} has not ended`);
  auditOccurrences(facts, findings);
  auditRuns(facts, findings);
  auditChains(facts, findings);
  auditOverlap(facts, findings);
  auditPromises(facts, findings);
  auditNumbers(facts, findings);
  return findings;
}

/** A row as faults speak of it. */
export function nameOf({ id, batchName, status, reasonCode }: Execution): string {
  return `execution ${id} of ${batchName} (${status}${reasonCode === null ? "" : `: ${reasonCode}`})`;
}

/** What was answered, or seen as final, must still be so. */
function auditPromises({ executions, journal }: Facts, findings: Findings): void {
  const rows = new Map(executions.map((row) => [row.id, row]));
  for (const entry of journal) {
    if (!("execution" in entry)) continue;
    const row = rows.get(entry.execution);
    if (!row) {
      findings.add("missing", `execution ${entry.execution} was answered or seen, and is gone`);
    } else if (entry.kind === "final") {
      const same =
        row.status === entry.status && row.exitCode === entry.exitCode && row.finishedAt === entry.finishedAt;
      if (!same) findings.add("changed", `${nameOf(row)} was ${entry.status} (exit ${entry.exitCode ?? "-"}) before`);
    } else if (entry.kind === "cancel" && entry.accepted && !["cancelled", "lost"].includes(row.status)) {
      findings.add("status", `${nameOf(row)} was to be cancelled, as the service had said`);
    }
  }
}

/** The executions of a batch are numbered from 1 without a gap. */
function auditNumbers({ executions }: Facts, findings: Findings): void {
  const numbers = new Map<number, Set<number>>();
  for (const row of executions) {
    const taken = numbers.get(row.batchId) ?? new Set();
    if (taken.has(row.number)) findings.add("doubled", `${nameOf(row)} has number ${row.number} of its batch again`);
    numbers.set(row.batchId, taken.add(row.number));
  }
  for (const [batchId, taken] of numbers) {
    const last = Math.max(...taken);
    if (last > taken.size) findings.add("missing", `batch ${batchId} has ${taken.size} rows, numbered up to ${last}`);
  }
}
