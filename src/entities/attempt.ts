// An attempt that was followed by another one: how it ended. The latest attempt's facts stand in the execution itself.
import { Column, Entity, PrimaryGeneratedColumn, Unique } from "typeorm";
import type { FinalStatus } from "../models/status.js";
import { INSTANT, OPTIONAL_AMOUNT, OPTIONAL_INSTANT } from "./columns.js";

/** No foreign key, as in the executions: the ledger survives deletions. */
@Entity("attempts")
@Unique("uq_attempts_number", ["executionId", "number"])
export class Attempt {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "integer" })
  executionId!: number;

  /** Counts per execution, from 1. */
  @Column({ type: "integer" })
  number!: number;

  /** What the execution would have ended as. */
  @Column({ type: "varchar", length: 12 })
  status!: FinalStatus;

  @Column({ type: "varchar", length: 40, nullable: true })
  reasonCode!: string | null;

  @Column({ type: "text", nullable: true })
  reasonText!: string | null;

  @Column(OPTIONAL_INSTANT)
  startedAt!: number | null;

  @Column(INSTANT)
  finishedAt!: number;

  @Column({ type: "integer", nullable: true })
  exitCode!: number | null;

  @Column({ type: "varchar", length: 12, nullable: true })
  signal!: string | null;

  @Column(OPTIONAL_AMOUNT)
  logBytes!: number | null;

  @Column({ type: "boolean" })
  logTruncated!: boolean;

  @Column(OPTIONAL_AMOUNT)
  errorLogBytes!: number | null;

  @Column({ type: "boolean" })
  errorLogTruncated!: boolean;
}
