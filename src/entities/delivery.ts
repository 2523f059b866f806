// A delivery: one message to one recipient, from the transaction that gave reason for it until it was sent or given up.
import { Column, Entity, Index, PrimaryGeneratedColumn } from "typeorm";
import type { AlertOccasion } from "../models/alert.js";
import type { DeliveryStatus } from "../models/delivery.js";
import { INSTANT, OPTIONAL_INSTANT } from "./columns.js";

/** No foreign key, as in the executions: what was told to people outlives the batch. */
@Entity("deliveries")
@Index("ix_deliveries_due", ["status", "nextAttemptAt"])
@Index("ix_deliveries_overdue", ["status", "giveUpAt"])
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

  /** How often it was tried; the attempt under way is not counted yet. */
  @Column({ type: "integer" })
  attempts!: number;

  /** While `pending`: not before this instant. Whoever tries moves it on first, so that nobody else does. */
  @Column(OPTIONAL_INSTANT)
  nextAttemptAt!: number | null;

  /** From this instant on it is not tried any more. */
  @Column(INSTANT)
  giveUpAt!: number;

  /** Why it is not sent yet, or was not, in words; null if nothing went wrong. */
  @Column({ type: "text", nullable: true })
  lastError!: string | null;

  @Column(INSTANT)
  createdAt!: number;

  @Column(OPTIONAL_INSTANT)
  finishedAt!: number | null;
}
