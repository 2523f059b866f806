// The auditor's view of scripts: started once and only where a row says so, with the right exit code, output and reason.
import type { Execution } from "../../src/entities/execution.js";
import type { LogStream } from "../../src/handlers/log-store.js";
import { runIdOf } from "../../src/handlers/workspace.js";
import type { BatchConfig } from "../../src/models/batch-config.js";
import { withdrawn } from "../../src/models/chain.js";
import { nameOf } from "./audit.js";
import type { Facts } from "./facts.js";
import type { Findings } from "./findings.js";
import { groupBy } from "./group.js";
import type { Testimony } from "./journal.js";

/** How one attempt ended, as the ledger has it. */
interface Ended {
  number: number;
  status: string;
  exitCode: number | null;
  logBytes: number | null;
  errorLogBytes: number | null;
}

interface Evidence {
  facts: Facts;
  findings: Findings;
  configs: Map<number, BatchConfig>;
  /** By run id. */
  testimonies: Map<string, Testimony[]>;
  /** Runs whose worker was killed. */
  victims: Set<string>;
  /** Executions that somebody asked to cancel. */
  cancelled: Set<number>;
  /** The ids of batches that were disabled at some time, and of all after them. */
  withdrawn: Set<number>;
}

export function auditRuns(facts: Facts, findings: Findings): void {
  const evidence = gather(facts, findings);
  const known = new Set<string>();
  const attempts = groupBy(facts.attempts, ({ executionId }) => executionId);
  for (const row of facts.executions) {
    const ended: Ended[] = [...(attempts.get(row.id) ?? [])];
    // One that was cancelled while it waited for its next attempt has none of its own after those.
    if (row.attempt > ended.length) ended.push(lastAttemptOf(row));
    for (const attempt of ended) {
      known.add(runIdOf(row.id, attempt.number));
      auditAttempt(evidence, row, attempt);
    }
    auditReason(evidence, row, ended);
    const startsOf = ({ number }: Ended) => starts(evidence, runIdOf(row.id, number)).length;
    if (row.triggerId !== null && ended.length > 0 && ended.every((attempt) => startsOf(attempt) === 1)) {
      findings.startedOnce++;
    }
  }
  for (const run of evidence.testimonies.keys()) {
    if (!known.has(run)) findings.add("invented", `run ${run} started, which no row knows of`);
  }
}

function lastAttemptOf({ attempt, status, exitCode, logBytes, errorLogBytes }: Execution): Ended {
  return { number: attempt, status, exitCode, logBytes, errorLogBytes };
}

function gather(facts: Facts, findings: Findings): Evidence {
  const { journal, batches, links } = facts;
  const disabled = new Set(journal.flatMap((entry) => (entry.kind === "disarmed" ? [entry.batch] : [])));
  const disabledIds = batches.filter(({ name }) => disabled.has(name)).map(({ id }) => id);
  return {
    facts,
    findings,
    configs: new Map(facts.batches.map(({ id, config }) => [id, config])),
    testimonies: groupBy(facts.testimonies, ({ execution, attempt }) => runIdOf(execution, attempt)),
    victims: new Set(journal.flatMap((entry) => (entry.kind === "worker_killed" ? [entry.run] : []))),
    cancelled: new Set(journal.flatMap((entry) => (entry.kind === "cancel" ? [entry.execution] : []))),
    withdrawn: withdrawn(disabledIds, links),
  };
}

function starts({ testimonies }: Evidence, run: string): Testimony[] {
  return (testimonies.get(run) ?? []).filter(({ code }) => code === null);
}

function auditAttempt(evidence: Evidence, row: Execution, ended: Ended): void {
  const { findings, victims } = evidence;
  const run = runIdOf(row.id, ended.number);
  const begun = starts(evidence, run).length;
  if (begun === 0 && ended.exitCode !== null) findings.add("wrong_exit", `${nameOf(row)} has an end but never started`);
  if (begun > 1) findings.add("doubled", `attempt ${ended.number} of ${nameOf(row)} was started ${begun} times`);
  if (ended.status === "completed" || ended.status === "warned" || ended.exitCode !== null) {
    auditEnd(evidence, row, ended);
  } else if (ended.status === "lost") {
    if (victims.has(run)) findings.lostExplained++;
    else findings.add("lost", `attempt ${ended.number} of ${nameOf(row)}, and nobody had killed its worker`);
  }
  auditLog(evidence, row, ended, "log");
  auditLog(evidence, row, ended, "error_log");
}

/** It is said to have ended by itself: then it has said so too, and with the same code. */
function auditEnd({ facts, findings, testimonies, cancelled }: Evidence, row: Execution, ended: Ended): void {
  const said = (testimonies.get(runIdOf(row.id, ended.number)) ?? []).find(({ code }) => code !== null)?.code;
  const expected = facts.expected(row.id, ended.number).exitCode;
  // Told to end, a script may still have ended as it wanted to.
  const allowed = cancelled.has(row.id) || row.reasonCode === "replaced" ? [expected, 143] : [expected];
  if (ended.exitCode !== said || !allowed.includes(said ?? -1)) {
    const words = `exit code ${ended.exitCode ?? "-"}, its script said ${said ?? "nothing"} and was to say ${expected}`;
    findings.add("wrong_exit", `attempt ${ended.number} of ${nameOf(row)} has ${words}`);
  }
}

/** A script that ended by itself has a whole log; of one that was ended early, or lost, it is the beginning. */
function auditLog({ facts, findings, victims, cancelled }: Evidence, row: Execution, ended: Ended, stream: LogStream) {
  const run = runIdOf(row.id, ended.number);
  const kept = facts.log(row.id, ended.number, stream) ?? Buffer.alloc(0);
  const expected = facts.expected(row.id, ended.number)[stream === "log" ? "stdout" : "stderr"];
  const cutShort =
    ended.exitCode === null || victims.has(run) || cancelled.has(row.id) || row.reasonCode === "replaced";
  findings.logsCompared++;
  // Of a script that is ended early, bash itself says so in its error log.
  const right = !cutShort
    ? kept.equals(expected)
    : stream === "error_log" || kept.equals(expected.subarray(0, kept.length));
  if (!right) findings.add("log", `${stream} of run ${run}, ${nameOf(row)}: ${difference(kept, expected)}`);
  const said = (stream === "log" ? ended.logBytes : ended.errorLogBytes) ?? 0;
  if (!cutShort && said !== kept.length) {
    findings.add("log", `${stream} of run ${run} has ${kept.length} bytes; ${nameOf(row)} says ${said}`);
  }
}

function difference(kept: Buffer, expected: Buffer): string {
  const at = expected.findIndex((byte, i) => kept[i] !== byte);
  const where = at < 0 ? "too long" : at >= kept.length ? "too short" : `differs at ${at}`;
  return `${kept.length} bytes, not ${expected.length}, ${where}`;
}

/** Whether anything accounts for the row's status, where the exit code does not. */
function auditReason({ findings, configs, cancelled, withdrawn: out }: Evidence, row: Execution, ended: Ended[]): void {
  const config = configs.get(row.batchId);
  if (!config) return;
  const unaccounted = (why: string) => findings.add("status", `${nameOf(row)}: ${why}`);
  const { overlap, retry } = config;
  const replaced = row.reasonCode === "replaced" && overlap === "replace";
  if (row.status === "failed") {
    if (row.exitCode === null) unaccounted("it could not be started");
    else if (row.attempt < (retry?.attempts ?? 1)) unaccounted(`attempt ${row.attempt} was to be followed by another`);
  } else if (row.status === "completed") {
    if (row.exitCode !== 0) unaccounted(`its exit code is ${row.exitCode ?? "unknown"}`);
  } else if (row.status === "cancelled") {
    if (!cancelled.has(row.id) && !replaced) unaccounted("by nobody");
  } else if (row.status === "skipped") {
    if (row.reasonCode === "disabled" ? !out.has(row.batchId) : overlap === "allow") unaccounted("by no policy");
  } else if (row.status === "timed_out" && config.timeout === undefined) unaccounted("it has no timeout");
  if (["skipped", "missed", "aborted"].includes(row.status) && row.attempt > 0) unaccounted("it was started before");
  if (ended.length > (retry?.attempts ?? 1)) unaccounted(`${ended.length} attempts are more than it may have`);
  if (ended.length !== row.attempt) unaccounted(`of ${row.attempt} attempts the ledger knows ${ended.length}`);
}
