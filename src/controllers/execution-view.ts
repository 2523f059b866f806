// How an execution is shown.
import type { Execution } from "../entities/execution.js";
import type { Outcome } from "../entities/outcome.js";
import type { ExecutionView } from "../models/execution.js";
import { toInstant } from "../models/shapes.js";
import type { ExecutionDetails } from "../services/execution-service.js";
import { API, made, type Reply } from "./reply.js";

/** What an execution and each of its attempts have in common. */
type Ended = Outcome & Pick<Execution, "status" | "finishedAt">;

function outcome(row: Ended) {
  const { startedAt, finishedAt } = row;
  return {
    startedAt: toInstant(startedAt),
    finishedAt: toInstant(finishedAt),
    durationMs: startedAt === null || finishedAt === null ? null : finishedAt - startedAt,
    exitCode: row.exitCode,
    signal: row.signal,
    log: startedAt === null ? null : { bytes: row.logBytes ?? 0, truncated: row.logTruncated },
    errorLog: row.errorLogBytes === null ? null : { bytes: row.errorLogBytes, truncated: row.errorLogTruncated },
  };
}

function reasonOf({ reasonCode, reasonText }: Ended): ExecutionView["reason"] {
  return reasonCode === null ? null : { code: reasonCode, text: reasonText ?? "" };
}

function attempt(number: number, row: Ended): ExecutionView["attempts"][number] {
  return { number, status: row.status, reason: reasonOf(row), ...outcome(row) };
}

/** The attempts before the present one, and that one, unless it has only been asked for yet. */
function attemptsOf({ execution, earlier }: ExecutionDetails): ExecutionView["attempts"] {
  const before = earlier.map((row) => attempt(row.number, row));
  const between = execution.status === "queued" || execution.attempt === earlier.at(-1)?.number;
  return execution.attempt === 0 || between ? before : [...before, attempt(execution.attempt, execution)];
}

export function showExecution(details: ExecutionDetails): ExecutionView {
  const row = details.execution;
  const here = `${API}/executions/${row.id}`;
  const trigger =
    row.triggerId !== null && row.triggerKind !== null
      ? { id: row.triggerId, kind: row.triggerKind, name: row.triggerName }
      : null;
  return {
    id: row.id,
    number: row.number,
    batchId: row.batchId,
    batchName: row.batchName,
    version: row.version,
    configRevision: row.configRevision,
    rerunOf: row.rerunOf,
    chainRunId: row.chainRunId,
    trigger,
    source: row.source,
    actor: row.actor,
    status: row.status,
    reason: reasonOf(row),
    scheduledAt: toInstant(row.scheduledAt),
    queuedAt: toInstant(row.queuedAt),
    ...outcome(row),
    attempt: row.attempt,
    attempts: attemptsOf(details),
    retryAt: toInstant(row.retryAt),
    waitsFor:
      (row.status === "waiting" ? row.waits : null)?.map((wait) => ({ ...wait, since: toInstant(wait.since) })) ?? [],
    leftovers: row.leftovers,
    args: row.args,
    payload: row.payload === null ? null : (JSON.parse(row.payload) as unknown),
    progress: row.progress,
    expectedEndAt: toInstant(details.expectedEndAt ?? null),
    results: row.results,
    test: row.test,
    links: {
      log: `${here}/log`,
      errorLog: row.errorLogBytes === null ? null : `${here}/error-log`,
      batch: `${API}/batches/${row.batchId}`,
      chainRun: row.chainRunId === null ? null : `${API}/executions?chainRun=${row.chainRunId}`,
    },
  };
}

/** The answer to whoever asked for an execution. */
export function demanded(execution: Execution): Reply {
  return made(202, `${API}/executions/${execution.id}`, showExecution({ execution, earlier: [] }));
}
