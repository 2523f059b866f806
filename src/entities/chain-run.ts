// A chain run: one pass through a chain from where it started.
import { Column, Entity, PrimaryGeneratedColumn } from "typeorm";
import type { Actor } from "../models/actor.js";
import type { ChainPlan } from "../models/chain.js";
import { INSTANT, JSON_DOCUMENT, OPTIONAL_INSTANT, OPTIONAL_JSON } from "./columns.js";

@Entity("chain_runs")
export class ChainRun {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  /** The batch it started from. Not a foreign key: a chain run outlives its batches. */
  @Column({ type: "integer" })
  headBatchId!: number;

  /** The links as they were when it started: an edit of the chain never changes a pass under way. */
  @Column(JSON_DOCUMENT)
  plan!: ChainPlan;

  /** When somebody cancelled it: nothing of it starts any more. */
  @Column(OPTIONAL_INSTANT)
  cancelledAt!: number | null;

  @Column(OPTIONAL_JSON)
  cancelledBy!: Actor | null;

  @Column(INSTANT)
  createdAt!: number;
}
