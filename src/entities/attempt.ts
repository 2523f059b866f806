// An attempt that was followed by another one: how it ended. The latest attempt's facts stand in the execution itself.
import { Column, Entity, PrimaryGeneratedColumn, Unique } from "typeorm";
import type { FinalStatus } from "../models/status.js";
import { INSTANT } from "./columns.js";
import { Outcome } from "./outcome.js";

/** No foreign key, as in the executions: the ledger survives deletions. */
@Entity("attempts")
@Unique("uq_attempts_number", ["executionId", "number"])
export class Attempt extends Outcome {
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

  @Column(INSTANT)
  finishedAt!: number;
}
