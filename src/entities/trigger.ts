// A trigger: a reason for a batch to run at planned instants.
import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn, type Relation } from "typeorm";
import type { DstRule } from "../models/schedule.js";
import { Batch } from "./batch.js";
import { INSTANT, OPTIONAL_INSTANT } from "./columns.js";

@Entity("triggers")
@Index("ix_triggers_batch", ["batchId"])
@Index("ix_triggers_next", ["nextAt"])
export class Trigger {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "integer" })
  batchId!: number;

  @ManyToOne(() => Batch, { onDelete: "CASCADE", onUpdate: "NO ACTION", nullable: false })
  @JoinColumn({ name: "batchId", foreignKeyConstraintName: "fk_triggers_batch" })
  batch?: Relation<Batch>;

  @Column({ type: "varchar", length: 8 })
  kind!: "cron" | "once";

  /** The cron expression; null for `once`. */
  @Column({ type: "varchar", length: 120, nullable: true })
  expression!: string | null;

  @Column({ type: "varchar", length: 64 })
  timeZone!: string;

  @Column({ type: "varchar", length: 12 })
  dst!: DstRule;

  /** The one planned instant of a `once` trigger. */
  @Column(OPTIONAL_INSTANT)
  onceAt!: number | null;

  /** The watermark: the next planned instant that has no execution row yet; null when there is none, or while disabled. */
  @Column(OPTIONAL_INSTANT)
  nextAt!: number | null;

  /** While disabled: the first planned instant that has no execution row because of that. */
  @Column(OPTIONAL_INSTANT)
  gapFrom!: number | null;

  /** The artifact version that its occurrences run; null: the one that is active when they are enqueued. */
  @Column({ type: "integer", nullable: true })
  version!: number | null;

  @Column(INSTANT)
  createdAt!: number;
}
