// What is known of one attempt's run: columns that an execution, for its present attempt, and each earlier attempt share.
import { Column } from "typeorm";
import { OPTIONAL_AMOUNT, OPTIONAL_INSTANT } from "./columns.js";

export abstract class Outcome {
  @Column({ type: "varchar", length: 40, nullable: true })
  reasonCode!: string | null;

  @Column({ type: "text", nullable: true })
  reasonText!: string | null;

  @Column(OPTIONAL_INSTANT)
  startedAt!: number | null;

  @Column({ type: "integer", nullable: true })
  exitCode!: number | null;

  @Column({ type: "varchar", length: 12, nullable: true })
  signal!: string | null;

  /** Bytes of the captured standard output; null until it has ended. */
  @Column(OPTIONAL_AMOUNT)
  logBytes!: number | null;

  @Column({ type: "boolean" })
  logTruncated!: boolean;

  /** Bytes of the captured standard error; null if there is no error log. */
  @Column(OPTIONAL_AMOUNT)
  errorLogBytes!: number | null;

  @Column({ type: "boolean" })
  errorLogTruncated!: boolean;
}
