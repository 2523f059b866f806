// An idempotency key: the answer that a request was given, kept so that the same request gets the same answer again.
import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from "typeorm";
import type { StoredAnswer } from "../models/idempotency.js";
import { INSTANT, JSON_DOCUMENT } from "./columns.js";

@Entity("idempotency_keys")
@Unique("uq_idempotency_keys_hash", ["keyHash"])
@Index("ix_idempotency_keys_created", ["createdAt"])
export class IdempotencyKey {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  /** SHA-256, in hexadecimal, of who asked and the key that they gave. */
  @Column({ type: "varchar", length: 64 })
  keyHash!: string;

  /** SHA-256, in hexadecimal, of the whole request. */
  @Column({ type: "varchar", length: 64 })
  digest!: string;

  @Column(JSON_DOCUMENT)
  answer!: StoredAnswer;

  @Column(INSTANT)
  createdAt!: number;
}
