// The auditor's view of chains: each batch of a pass has exactly one row, and the one that its predecessors' ends demand.
import type { Execution } from "../../src/entities/execution.js";
import { decide, type ChainPlan, type Outcome } from "../../src/models/chain.js";
import { nameOf } from "./audit.js";
import type { Facts } from "./facts.js";
import type { Findings } from "./findings.js";
import { groupBy } from "./group.js";

export function auditChains({ chainRuns, executions, links, journal }: Facts, findings: Findings): void {
  const byRun = groupBy(executions, ({ chainRunId }) => chainRunId);
  for (const { id, headBatchId, plan } of chainRuns) auditPass(id, headBatchId, plan, byRun.get(id) ?? [], findings);

  const known = new Set(chainRuns.map(({ id }) => id));
  const heads = new Set(links.map(({ predecessorId }) => predecessorId));
  const disabled = new Set(journal.flatMap((entry) => (entry.kind === "disarmed" ? [entry.batch] : [])));
  for (const row of executions) {
    const mustHave =
      row.attempt > 0 && row.triggerId !== null && heads.has(row.batchId) && !disabled.has(row.batchName);
    if (row.chainRunId === null ? mustHave : !known.has(row.chainRunId)) {
      findings.add("missing", `${nameOf(row)} has no chain run`);
    }
  }
}

function auditPass(id: number, head: number, plan: ChainPlan, rows: Execution[], findings: Findings): void {
  const outcomes = new Map<number, Outcome>();
  for (const row of rows) {
    if (outcomes.has(row.batchId)) findings.add("doubled", `${nameOf(row)} is the second of its batch in pass ${id}`);
    const { id: executionId, batchName, status, exitCode, attempt } = row;
    outcomes.set(row.batchId, { executionId, batchName, status, exitCode, attempt });
  }
  const planned = new Set([head, ...plan.links.map(({ successorId }) => successorId)]);
  for (const batchId of planned) {
    if (!outcomes.has(batchId)) findings.add("missing", `batch ${batchId} has no row in pass ${id}`);
  }
  for (const row of rows) {
    if (!planned.has(row.batchId)) findings.add("invented", `${nameOf(row)} is not in the plan of pass ${id}`);
    if (row.batchId === head) continue;
    const { kind } = decide(row.batchId, plan, outcomes);
    const wrong =
      kind === "wait" || (kind === "abort" ? !["aborted", "skipped"].includes(row.status) : row.status === "aborted");
    if (wrong) findings.add("chain", `${nameOf(row)} in pass ${id}, whose predecessors say: ${kind}`);
  }
}
