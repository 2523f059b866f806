// How an execution row is shown.
import type { Execution } from "../entities/execution.js";
import type { ExecutionView } from "../models/execution.js";
import { toInstant } from "../models/shapes.js";
import { API } from "./reply.js";

/** The part of an execution that each attempt has too. */
function outcome(row: Execution) {
  const { startedAt, finishedAt, attempt } = row;
  return {
    startedAt: toInstant(startedAt),
    finishedAt: toInstant(finishedAt),
    durationMs: startedAt === null || finishedAt === null ? null : finishedAt - startedAt,
    exitCode: row.exitCode,
    signal: row.signal,
    log: attempt === 0 ? null : { bytes: row.logBytes ?? 0, truncated: row.logTruncated },
    errorLog: row.errorLogBytes === null ? null : { bytes: row.errorLogBytes, truncated: row.errorLogTruncated },
  };
}

export function showExecution(row: Execution): ExecutionView {
  const here = `${API}/executions/${row.id}`;
  const trigger =
    row.triggerId !== null && row.triggerKind !== null ? { id: row.triggerId, kind: row.triggerKind } : null;
  return {
    id: row.id,
    number: row.number,
    batchId: row.batchId,
    batchName: row.batchName,
    version: row.version,
    chainRunId: row.chainRunId,
    trigger: trigger && { ...trigger, name: null },
    source: row.source,
    actor: row.actor,
    status: row.status,
    reason: row.reasonCode === null ? null : { code: row.reasonCode, text: row.reasonText ?? "" },
    scheduledAt: toInstant(row.scheduledAt),
    queuedAt: toInstant(row.queuedAt),
    ...outcome(row),
    attempt: row.attempt,
    attempts: row.attempt === 0 ? [] : [{ number: row.attempt, ...outcome(row) }],
    args: row.args,
    payload: row.payload === null ? null : (JSON.parse(row.payload) as unknown),
    progress: row.progress,
    results: row.results,
    test: false,
    links: {
      log: `${here}/log`,
      errorLog: row.errorLogBytes === null ? null : `${here}/error-log`,
      batch: `${API}/batches/${row.batchId}`,
      chainRun: row.chainRunId === null ? null : `${API}/executions?chainRun=${row.chainRunId}`,
    },
  };
}
