// A batch: what a user uploaded and named, with its config.
import { Column, Entity, PrimaryGeneratedColumn, Unique } from "typeorm";
import type { BatchConfig } from "../models/batch-config.js";
import { INSTANT, JSON_DOCUMENT, OPTIONAL_INSTANT } from "./columns.js";

@Entity("batches")
@Unique("uq_batches_name", ["nameKey"])
export class Batch {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "varchar", length: 128 })
  name!: string;

  /** The name as it is compared and searched: see foldName. */
  @Column({ type: "varchar", length: 384 })
  foldedName!: string;

  /** Digest of the case-folded name: makes names unique alike under any collation. */
  @Column({ type: "varchar", length: 64 })
  nameKey!: string;

  @Column({ type: "text" })
  description!: string;

  /** The present one; a copy of the config revision of this number. */
  @Column(JSON_DOCUMENT)
  config!: BatchConfig;

  /** The number of the config revision that new executions use. */
  @Column({ type: "integer", default: 1 })
  configRevision!: number;

  /** The artifact version that new executions use. */
  @Column({ type: "integer" })
  version!: number;

  /** When a person disabled this very batch; null if nobody did. */
  @Column(OPTIONAL_INSTANT)
  disabledAt!: number | null;

  /** False if this batch, or any batch before it in a chain, is disabled. */
  @Column({ type: "boolean" })
  enabled!: boolean;

  /** How many executions were ever made: the last one's `number`. */
  @Column({ type: "integer" })
  executionCount!: number;

  /** Grows with every change of the batch; the source of its ETag. */
  @Column({ type: "integer" })
  revision!: number;

  @Column(INSTANT)
  createdAt!: number;

  @Column(INSTANT)
  updatedAt!: number;
}
