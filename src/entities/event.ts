// An event: an immutable row that says what happened, to what, by whom, when.
import { Column, Entity, Index, PrimaryGeneratedColumn } from "typeorm";
import type { Actor } from "../models/actor.js";
import type { EventKind, EventPayload, SubjectType } from "../models/event.js";
import type { ExecutionSource } from "../models/execution.js";
import { INSTANT, JSON_DOCUMENT } from "./columns.js";

@Entity("events")
@Index("ix_events_subject", ["subjectType", "subjectId", "id"])
export class Event {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "varchar", length: 40 })
  kind!: EventKind;

  @Column(INSTANT)
  occurredAt!: number;

  @Column({ type: "varchar", length: 16 })
  subjectType!: SubjectType;

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
