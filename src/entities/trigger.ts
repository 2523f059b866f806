// A trigger: a reason for a batch to run, at planned instants or when it is fired; or for an event alone.
import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn, type Relation } from "typeorm";
import type { Actor } from "../models/actor.js";
import type { DstRule } from "../models/schedule.js";
import type { JsonSchema, SealedSecret } from "../models/trigger.js";
import type { TriggerKind } from "../models/trigger-kind.js";
import { Batch } from "./batch.js";
import { INSTANT, OPTIONAL_INSTANT, OPTIONAL_JSON } from "./columns.js";

@Entity("triggers")
@Index("ix_triggers_batch", ["batchId"])
@Index("ix_triggers_next", ["nextAt"])
export class Trigger {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  /** Null: it runs nothing, its firing is an event and no more. */
  @Column({ type: "integer", nullable: true })
  batchId!: number | null;

  @ManyToOne(() => Batch, { onDelete: "CASCADE", onUpdate: "NO ACTION", nullable: true })
  @JoinColumn({ name: "batchId", foreignKeyConstraintName: "fk_triggers_batch" })
  batch?: Relation<Batch> | null;

  /** Null where it came with its batch's config. */
  @Column({ type: "varchar", length: 128, nullable: true })
  name!: string | null;

  @Column({ type: "varchar", length: 1000, nullable: true })
  description!: string | null;

  /** True: its schedule is the one of its batch's config, and follows that. */
  @Column({ type: "boolean", default: true })
  ofConfig!: boolean;

  /** Its own switch; its batch has another one. */
  @Column({ type: "boolean", default: true })
  enabled!: boolean;

  /** True: it fires once, with marked events, and is deleted by that. */
  @Column({ type: "boolean", default: false })
  test!: boolean;

  @Column({ type: "varchar", length: 8 })
  kind!: TriggerKind;

  /** What payloads must look like; null: anything goes. */
  @Column(OPTIONAL_JSON)
  payloadSchema!: JsonSchema | null;

  /** SHA-256 of its own token in hexadecimal; null: it has none. */
  @Column({ type: "varchar", length: 64, nullable: true })
  tokenHash!: string | null;

  /** How the token begins, for people to know it by. */
  @Column({ type: "varchar", length: 24, nullable: true })
  tokenPrefix!: string | null;

  /** The secrets that its firings may be signed with, at most two. */
  @Column(OPTIONAL_JSON)
  secrets!: SealedSecret[] | null;

  /** The cron expression; null for all but `cron`. */
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
  /** Counts its edits. */
  @Column({ type: "integer", default: 1 })
  revision!: number;

  @Column(OPTIONAL_INSTANT)
  lastFiredAt!: number | null;

  @Column(OPTIONAL_INSTANT)
  updatedAt!: number | null;

  /** Null where it came with its batch's config. */
  @Column(OPTIONAL_JSON)
  createdBy!: Actor | null;
}

/** A trigger that runs a batch. */
export type BatchTrigger = Trigger & { batchId: number };

export function isOfBatch(trigger: Trigger): trigger is BatchTrigger {
  return trigger.batchId !== null;
}

/** True if it has a say about when its batch should run: it is neither switched off itself nor there for a trial. */
export function isPlanning({ enabled, test }: Trigger): boolean {
  return enabled && !test;
}
