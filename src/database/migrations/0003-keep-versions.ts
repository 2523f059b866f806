// Config revisions beside artifact versions, pins, reruns; answers kept by idempotency key; deliveries.
import { Table, type MigrationInterface, type QueryRunner } from "typeorm";
import {
  addColumns,
  bigint,
  boolean,
  dropColumns,
  id,
  integer,
  json,
  ofBatch,
  OPTIONAL,
  text,
  varchar,
} from "./columns.js";

const TABLES = [
  new Table({
    name: "config_revisions",
    columns: [
      id,
      integer("batchId"),
      integer("number"),
      json("config"),
      bigint("createdAt"),
      json("createdBy", OPTIONAL),
    ],
    uniques: [{ name: "uq_config_revisions_number", columnNames: ["batchId", "number"] }],
    foreignKeys: [ofBatch("fk_config_revisions_batch", "batchId")],
  }),
  new Table({
    name: "idempotency_keys",
    columns: [id, varchar("keyHash", 64), varchar("digest", 64), json("answer"), bigint("createdAt")],
    uniques: [{ name: "uq_idempotency_keys_hash", columnNames: ["keyHash"] }],
    indices: [{ name: "ix_idempotency_keys_created", columnNames: ["createdAt"] }],
  }),
  new Table({
    name: "deliveries",
    columns: [
      id,
      varchar("channel", 8),
      varchar("occasion", 12),
      integer("executionId"),
      integer("batchId"),
      varchar("batchName", 128),
      varchar("recipient", 320),
      varchar("messageId", 255),
      boolean("attachLog"),
      varchar("status", 12),
      integer("attempts"),
      bigint("nextAttemptAt", OPTIONAL),
      bigint("giveUpAt"),
      text("lastError", OPTIONAL),
      bigint("createdAt"),
      bigint("finishedAt", OPTIONAL),
    ],
    indices: [
      { name: "ix_deliveries_due", columnNames: ["status", "nextAttemptAt"] },
      { name: "ix_deliveries_overdue", columnNames: ["status", "giveUpAt"] },
      { name: "ix_deliveries_execution", columnNames: ["executionId", "id"] },
      { name: "ix_deliveries_batch", columnNames: ["batchId", "id"] },
    ],
  }),
];

const COLUMNS = {
  batches: [integer("configRevision", { default: 1 })],
  artifacts: [integer("configRevision", { default: 1 }), json("createdBy", OPTIONAL)],
  triggers: [integer("version", OPTIONAL)],
  links: [integer("version", OPTIONAL)],
  executions: [integer("configRevision", OPTIONAL), integer("rerunOf", OPTIONAL), bigint("nominalAt", OPTIONAL)],
};

export class KeepVersions1795564800000 implements MigrationInterface {
  readonly name = "KeepVersions1795564800000";

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.createTable(table);
    await addColumns(runner, COLUMNS);
    await runner.query(
      "INSERT INTO config_revisions (batchId, number, config, createdAt) SELECT id, 1, config, createdAt FROM batches",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropColumns(runner, COLUMNS);
    for (const table of TABLES.toReversed()) await runner.dropTable(table);
  }
}
