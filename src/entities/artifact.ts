// An artifact: one immutable stored zip of a batch.
import { Column, Entity, JoinColumn, ManyToOne, PrimaryGeneratedColumn, Unique, type Relation } from "typeorm";
import type { Actor } from "../models/actor.js";
import { Batch } from "./batch.js";
import { AMOUNT, INSTANT, OPTIONAL_JSON } from "./columns.js";

@Entity("artifacts")
@Unique("uq_artifacts_version", ["batchId", "version"])
export class Artifact {
  @PrimaryGeneratedColumn({ type: "integer" })
  id!: number;

  @Column({ type: "integer" })
  batchId!: number;

  @ManyToOne(() => Batch, { onDelete: "CASCADE", onUpdate: "NO ACTION", nullable: false })
  @JoinColumn({ name: "batchId", foreignKeyConstraintName: "fk_artifacts_batch" })
  batch?: Relation<Batch>;

  @Column({ type: "integer" })
  version!: number;

  /** Where the artifact store keeps it: a key, never a path. */
  @Column({ type: "varchar", length: 64 })
  storageKey!: string;

  @Column({ type: "varchar", length: 64 })
  sha256!: string;

  /** The name under which it was uploaded; shown, never used as a path. */
  @Column({ type: "varchar", length: 255 })
  fileName!: string;

  @Column(AMOUNT)
  bytes!: number;

  @Column({ type: "integer" })
  fileCount!: number;

  @Column(AMOUNT)
  unpackedBytes!: number;

  /** The config revision that was in use when it was uploaded. */
  @Column({ type: "integer", default: 1 })
  configRevision!: number;

  @Column(INSTANT)
  createdAt!: number;

  /** Who uploaded it; null where that was not recorded yet. */
  @Column(OPTIONAL_JSON)
  createdBy!: Actor | null;
}
