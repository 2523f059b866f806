// The ledger's pen: the one place that writes rows of executions, each with its event in the same transaction.
import type { EntityManager } from "typeorm";
import { insertRows, updateRows } from "../database/plain.js";
import type { Transaction } from "../database/transaction.js";
import { Execution } from "../entities/execution.js";
import type { EventLog, NewEvent } from "../handlers/event-log.js";
import type { Actor } from "../models/actor.js";
import type { EventKind } from "../models/event.js";
import { isFinal, statusesBefore, type ExecutionStatus } from "../models/status.js";
import type { Alerter } from "./alerter.js";
import { firedEvent } from "./trigger-events.js";

/** Which row, in which of its attempts: what is known of an attempt must never change a later one. */
type Known = Pick<Execution, "id"> & { attempt?: number };

export class Ledger {
  constructor(private readonly with_: { events: EventLog; alerter: Pick<Alerter, "note"> }) {}

  /** Writes fresh rows, which get their ids. */
  async insert(transaction: Transaction, rows: Execution[]): Promise<void> {
    await insertRows(transaction.manager, Execution, rows);
    await this.with_.events.append(transaction, ...rows.flatMap((row) => [...firingOf(row), eventOf(row, row.actor)]));
    this.with_.alerter.note(transaction, rows);
  }

  /** Reports rows as they are now, to the event log and to the people who want to know. @param actor who made them so; left out: who asked for the execution */
  async tell(transaction: Transaction, rows: Execution[], actor?: Actor): Promise<void> {
    await this.with_.events.append(transaction, ...rows.map((row) => eventOf(row, actor ?? row.actor)));
    this.with_.alerter.note(transaction, rows);
  }

  /** The status change itself: conditional, so that of two that race exactly one changes the row, and gets true. */
  async move(
    manager: EntityManager,
    { id, attempt }: Known,
    status: ExecutionStatus,
    fields: Partial<Execution>,
    from: readonly ExecutionStatus[] = statusesBefore(status),
  ): Promise<boolean> {
    const sameAttempt = attempt === undefined ? "" : " AND attempt = ?";
    const condition = `id = ? AND status IN (${from.map(() => "?").join(", ")})${sameAttempt}`;
    const values = [id, ...from, ...(attempt === undefined ? [] : [attempt])];
    return (await updateRows(manager, Execution, { ...fields, status }, condition, values)) === 1;
  }

  /** Adds to the number of processes that an ended execution has left behind. */
  async addLeftovers(manager: EntityManager, id: number, count: number): Promise<void> {
    const row = await manager.findOneByOrFail(Execution, { id });
    await updateRows(manager, Execution, { leftovers: (row.leftovers ?? 0) + count }, "id = ?", [id]);
  }

  /** Gives running executions to another owner, if they are still `from`'s. @returns how many */
  async hand(manager: EntityManager, from: string | null, to: string | null, id?: number): Promise<number> {
    const owner = from === null ? "claimedBy IS NULL" : "claimedBy = ?";
    const one = id === undefined ? "" : " AND id = ?";
    const condition = `status IN ('running', 'stopping') AND ${owner}${one}`;
    const values = [...(from === null ? [] : [from]), ...(id === undefined ? [] : [id])];
    return updateRows(manager, Execution, { claimedBy: to }, condition, values);
  }
}

function eventOf(row: Execution, actor: Actor): NewEvent {
  const reason = row.reasonCode === null ? {} : { reason: row.reasonCode };
  return {
    kind: eventKind(row),
    subject: { type: "execution", id: row.id, name: row.batchName },
    batchId: row.batchId,
    test: row.test,
    source: row.source,
    actor,
    payload: { status: row.status, batchId: row.batchId, ...reason },
  };
}

/** That its trigger fired, if one did: an occurrence that was missed, or was withdrawn before, has had no firing. */
function firingOf(row: Execution): NewEvent[] {
  const { triggerId: id, triggerName: name, batchId, test, status, reasonCode, payload, scheduledAt } = row;
  if (id === null || status === "missed" || reasonCode === "disabled") return [];
  const given = payload === null ? undefined : (JSON.parse(payload) as unknown);
  const firing = { executionId: row.id, source: row.source, actor: row.actor, scheduledAt, payload: given };
  return [firedEvent({ id, name, batchId, test }, firing)];
}

function eventKind({ status, attempt }: Execution): EventKind {
  if (status === "skipped" || status === "missed" || status === "aborted") return `execution.${status}`;
  if (isFinal(status)) return "execution.finished";
  if (status === "running") return "execution.started";
  if (status === "stopping") return "execution.stopping";
  if (status === "waiting") return "execution.waiting";
  return attempt > 0 ? "execution.retrying" : "execution.queued";
}
