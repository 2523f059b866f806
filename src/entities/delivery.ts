// A delivery: one message to one recipient, from the transaction that gave reason for it until it was sent or given up.
import { Column, Entity, Index, PrimaryGeneratedColumn } from "typeorm";
import type { AlertOccasion, DeliveryStatus } from "../models/delivery.js";
import { INSTANT, OPTIONAL_INSTANT } from "./columns.js";

/** No foreign key, as in the executions: what was told to people outlives the batch. */
@Entity("deliveries")
@Index("ix_deliveries_due", ["status", "nextAttemptAt"])
@Index("ix_deliveries_execution", ["executionId", "id"])
@Index("ix_deliveries_batch", ["batchId", "id"])
export class Delivery {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "varchar", length: 8 })
  channel!: "mail";

  @Column({ type: "varchar", length: 12 })
  occasion!: AlertOccasion;

  @Column({ type: "integer" })
  executionId!: number;

  @Column({ type: "integer" })
  batchId!: number;

  @Column({ type: "varchar", length: 128 })
  batchName!: string;

  @Column({ type: "varchar", length: 320 })
  recipient!: string;

  /** The Message-ID header (RFC 5322): the same for every attempt, so that a mail sent twice is seen once. */
  @Column({ type: "varchar", length: 255 })
  messageId!: string;

  /** With the captured log attached. */
  @Column({ type: "boolean" })
  attachLog!: boolean;

  @Column({ type: "varchar", length: 12 })
  status!: DeliveryStatus;

  /** How often it was tried. */
  @Column({ type: "integer" })
  attempts!: number;

  /** While `pending`: not before this instant. Whoever tries moves it on first, so that nobody else does. */
  @Column(OPTIONAL_INSTANT)
  nextAttemptAt!: number | null;

  /** What the last attempt met, in words; null if none failed. */
  @Column({ type: "text", nullable: true })
  lastError!: string | null;

  @Column(INSTANT)
  createdAt!: number;

  @Column(OPTIONAL_INSTANT)
  finishedAt!: number | null;
}
