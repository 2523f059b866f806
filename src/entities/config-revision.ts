// A config revision: a batch's config as it was from one edit to the next. Immutable: an execution keeps the one it began with.
import { Column, Entity, JoinColumn, ManyToOne, PrimaryGeneratedColumn, Unique, type Relation } from "typeorm";
import type { Actor } from "../models/actor.js";
import type { BatchConfig } from "../models/batch-config.js";
import { Batch } from "./batch.js";
import { INSTANT, JSON_DOCUMENT, OPTIONAL_JSON } from "./columns.js";

@Entity("config_revisions")
@Unique("uq_config_revisions_number", ["batchId", "number"])
export class ConfigRevision {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "integer" })
  batchId!: number;

  @ManyToOne(() => Batch, { onDelete: "CASCADE", onUpdate: "NO ACTION", nullable: false })
  @JoinColumn({ name: "batchId", foreignKeyConstraintName: "fk_config_revisions_batch" })
  batch?: Relation<Batch>;

  /** Counts per batch, from 1. */
  @Column({ type: "integer" })
  number!: number;

  @Column(JSON_DOCUMENT)
  config!: BatchConfig;

  @Column(INSTANT)
  createdAt!: number;

  /** Who made it; null where that was not recorded yet. */
  @Column(OPTIONAL_JSON)
  createdBy!: Actor | null;
}
