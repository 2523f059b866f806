// An execution: one row of the ledger, from queued to its final status.
import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from "typeorm";
import type { Actor } from "../models/actor.js";
import type { ExecutionInput, ExecutionSource, Progress, Wait } from "../models/execution.js";
import type { ExecutionStatus, FinalStatus } from "../models/status.js";
import type { TriggerKind } from "../models/trigger-kind.js";
import { INSTANT, JSON_DOCUMENT, OPTIONAL_INSTANT, OPTIONAL_JSON, OPTIONAL_TEXT } from "./columns.js";
import { Outcome } from "./outcome.js";

/** Names of batch and trigger are copies and no column is a foreign key: the ledger survives deletions. */
@Entity("executions")
@Unique("uq_executions_occurrence", ["triggerId", "scheduledAt"])
@Index("ix_executions_batch", ["batchId", "id"])
@Index("ix_executions_active", ["batchId", "status", "turn"])
@Index("ix_executions_status", ["status", "id"])
@Index("ix_executions_turn", ["status", "turn", "id"])
@Index("ix_executions_scheduled", ["scheduledAt"])
@Index("ix_executions_chain_run", ["chainRunId", "batchId"])
export class Execution extends Outcome {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  /** Counts per batch, from 1. */
  @Column({ type: "integer" })
  number!: number;

  @Column({ type: "integer" })
  batchId!: number;

  @Column({ type: "varchar", length: 128 })
  batchName!: string;

  /** The artifact version it runs, settled when it was enqueued. */
  @Column({ type: "integer" })
  version!: number;

  /** The config revision it runs with, settled with the version; null in rows from before there were revisions. */
  @Column({ type: "integer", nullable: true })
  configRevision!: number | null;

  /** The execution that this one repeats. */
  @Column({ type: "integer", nullable: true })
  rerunOf!: number | null;

  /** Of a rerun: the planned instant of what it repeats, which is the one that its script is told. */
  @Column(OPTIONAL_INSTANT)
  nominalAt!: number | null;

  @Column({ type: "integer", nullable: true })
  chainRunId!: number | null;

  @Column({ type: "integer", nullable: true })
  triggerId!: number | null;

  @Column({ type: "varchar", length: 8, nullable: true })
  triggerKind!: TriggerKind | null;

  /** A copy; null: it had none. */
  @Column({ type: "varchar", length: 128, nullable: true })
  triggerName!: string | null;

  /** True: a test trigger made it, or made what it follows in a chain. */
  @Column({ type: "boolean", default: false })
  test!: boolean;

  @Column({ type: "varchar", length: 8 })
  source!: ExecutionSource;

  @Column(JSON_DOCUMENT)
  actor!: Actor;

  @Column({ type: "varchar", length: 12 })
  status!: ExecutionStatus;

  /** While `stopping`: the final status that its end will get. */
  @Column({ type: "varchar", length: 12, nullable: true })
  stopAs!: FinalStatus | null;

  @Column(OPTIONAL_INSTANT)
  scheduledAt!: number | null;

  @Column(INSTANT)
  queuedAt!: number;

  @Column(OPTIONAL_INSTANT)
  finishedAt!: number | null;

  /** 0 until it starts for the first time. */
  @Column({ type: "integer" })
  attempt!: number;

  /** The service process that claimed it and looks after it, see ServiceIdentity; null: nobody at the moment. */
  @Column({ type: "varchar", length: 100, nullable: true })
  claimedBy!: string | null;

  /** While `queued` for another attempt: not before this instant. */
  @Column(OPTIONAL_INSTANT)
  retryAt!: number | null;

  /** Its place in the queue: lower goes first, of the same the lower id. See `takeTurns`. */
  @Column({ type: "integer", default: 0 })
  turn!: number;

  /** It runs only beside fewer than so many executions of its batch; null: beside any number. */
  @Column({ type: "integer", nullable: true })
  batchLimit!: number | null;

  /** While `waiting`: for what. */
  @Column(OPTIONAL_JSON)
  waits!: Wait[] | null;

  /** Processes that its script left behind and that were ended; null: not looked for, or not final yet. */
  @Column({ type: "integer", nullable: true })
  leftovers!: number | null;

  @Column(JSON_DOCUMENT)
  args!: string[];

  /** JSON text, as the script will find it; null if it was asked to run without. */
  @Column(OPTIONAL_TEXT)
  payload!: string | null;

  /** The predecessors whose output it receives, in link order. */
  @Column(JSON_DOCUMENT)
  inputs!: ExecutionInput[];

  @Column(OPTIONAL_JSON)
  progress!: Progress | null;

  @Column(OPTIONAL_JSON)
  results!: Record<string, string> | null;
}
