// A link: the tie between two batches of a chain.
import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn, Unique, type Relation } from "typeorm";
import type { RunOn } from "../models/chain.js";
import { Batch } from "./batch.js";

@Entity("links")
@Unique("uq_links_pair", ["predecessorId", "successorId"])
@Index("ix_links_successor", ["successorId"])
export class Link {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "integer" })
  predecessorId!: number;

  @ManyToOne(() => Batch, { onDelete: "CASCADE", onUpdate: "NO ACTION", nullable: false })
  @JoinColumn({ name: "predecessorId", foreignKeyConstraintName: "fk_links_predecessor" })
  predecessor?: Relation<Batch>;

  @Column({ type: "integer" })
  successorId!: number;

  @ManyToOne(() => Batch, { onDelete: "CASCADE", onUpdate: "NO ACTION", nullable: false })
  @JoinColumn({ name: "successorId", foreignKeyConstraintName: "fk_links_successor" })
  successor?: Relation<Batch>;

  @Column({ type: "varchar", length: 8 })
  runOn!: RunOn;

  @Column({ type: "boolean" })
  previousOutput!: boolean;

  /** The artifact version of the successor that it starts; null: the one that is active then. */
  @Column({ type: "integer", nullable: true })
  version!: number | null;
}
