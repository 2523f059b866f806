// A fresh row of the ledger, as a demand asks for it and before any policy has spoken.
import { Execution } from "../entities/execution.js";
import { concurrencyOf } from "../models/batch-config.js";
import type { Demand } from "./demand.js";

/** @param place its number within the batch, its turn in the queue, and the instant of queueing */
export function newRow(demand: Demand, place: { number: number; turn: number; now: number }): Execution {
  const { batch, occurrence, rerun, verdict, args, payload, inputs } = demand;
  const { number, turn, now } = place;
  return Object.assign(new Execution(), {
    number,
    batchId: batch.id,
    batchName: batch.name,
    version: demand.version ?? batch.version,
    configRevision: rerun?.configRevision ?? batch.configRevision,
    rerunOf: rerun?.of ?? null,
    nominalAt: rerun?.nominalAt ?? null,
    chainRunId: null,
    triggerId: occurrence?.triggerId ?? null,
    triggerKind: occurrence?.triggerKind ?? null,
    triggerName: occurrence?.triggerName ?? null,
    test: demand.test ?? false,
    source: demand.source,
    actor: demand.actor,
    status: verdict?.status ?? "queued",
    stopAs: null,
    reasonCode: verdict?.reason.code ?? null,
    reasonText: verdict?.reason.text ?? null,
    scheduledAt: occurrence?.scheduledAt ?? null,
    queuedAt: now,
    startedAt: null,
    finishedAt: verdict ? now : null,
    attempt: 0,
    exitCode: null,
    signal: null,
    claimedBy: null,
    retryAt: null,
    turn,
    batchLimit: concurrencyOf(batch.config),
    waits: null,
    leftovers: null,
    args: args ?? batch.config.args,
    payload: payload ?? null,
    inputs: inputs ?? [],
    progress: null,
    results: null,
    logBytes: null,
    logTruncated: false,
    errorLogBytes: null,
    errorLogTruncated: false,
  });
}
