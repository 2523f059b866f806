// An event: an immutable row that says what happened, to what, by whom, when.
import { Column, Entity, Index, PrimaryGeneratedColumn } from "typeorm";
import type { Actor } from "../models/actor.js";
import type { EventKind, EventPayload, SubjectType } from "../models/event.js";
import type { ExecutionSource } from "../models/execution.js";
import { INSTANT, JSON_DOCUMENT } from "./columns.js";

@Entity("events")
@Index("ix_events_list", ["archived", "test", "occurredAt", "id"])
@Index("ix_events_kind", ["kind", "archived", "test", "occurredAt", "id"])
@Index("ix_events_batch", ["batchId", "archived", "test", "occurredAt", "id"])
@Index("ix_events_batch_kind", ["batchId", "kind", "archived", "test", "occurredAt", "id"])
@Index("ix_events_execution", ["executionId", "occurredAt", "id"])
@Index("ix_events_subject", ["subjectId", "kind", "archived", "test", "occurredAt", "id"])
export class Event {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "varchar", length: 40 })
  kind!: EventKind;

  @Column(INSTANT)
  occurredAt!: number;

  /** The batch that it has to do with, be it the subject or not. */
  @Column({ type: "integer", nullable: true })
  batchId!: number | null;

  /** The execution that it has to do with, be it the subject or not. */
  @Column({ type: "integer", nullable: true })
  executionId!: number | null;

  /** True: a test trigger brought it about. */
  @Column({ type: "boolean", default: false })
  test!: boolean;

  /** True: it is past the age at which lists show it unasked. */
  @Column({ type: "boolean", default: false })
  archived!: boolean;

  @Column({ type: "varchar", length: 16 })
  subjectType!: SubjectType;

  /** 0 where there is but one of its type. */
  @Column({ type: "integer" })
  subjectId!: number;

  /** A copy: it survives the subject's deletion. */
  @Column({ type: "varchar", length: 128 })
  subjectName!: string;

  @Column({ type: "varchar", length: 8 })
  source!: ExecutionSource;

  @Column(JSON_DOCUMENT)
  actor!: Actor;

  @Column(JSON_DOCUMENT)
  payload!: EventPayload;
}
