// The first schema: batches with artifacts, triggers and links; the ledger; events; tokens.
import { Table, type MigrationInterface, type QueryRunner } from "typeorm";
import { bigint, boolean, id, integer, json, ofBatch, OPTIONAL, text, varchar } from "./columns.js";

const TABLES = [
  new Table({
    name: "batches",
    columns: [
      id,
      varchar("name", 128),
      varchar("foldedName", 384),
      varchar("nameKey", 64),
      text("description"),
      json("config"),
      integer("version"),
      bigint("disabledAt", OPTIONAL),
      boolean("enabled"),
      integer("executionCount"),
      integer("revision"),
      bigint("createdAt"),
      bigint("updatedAt"),
    ],
    uniques: [{ name: "uq_batches_name", columnNames: ["nameKey"] }],
  }),
  new Table({
    name: "artifacts",
    columns: [
      id,
      integer("batchId"),
      integer("version"),
      varchar("storageKey", 64),
      varchar("sha256", 64),
      varchar("fileName", 255),
      bigint("bytes"),
      integer("fileCount"),
      bigint("unpackedBytes"),
      bigint("createdAt"),
    ],
    uniques: [{ name: "uq_artifacts_version", columnNames: ["batchId", "version"] }],
    foreignKeys: [ofBatch("fk_artifacts_batch", "batchId")],
  }),
  new Table({
    name: "triggers",
    columns: [
      id,
      integer("batchId"),
      varchar("kind", 8),
      varchar("expression", 120, OPTIONAL),
      varchar("timeZone", 64),
      varchar("dst", 12),
      bigint("onceAt", OPTIONAL),
      bigint("nextAt", OPTIONAL),
      bigint("createdAt"),
    ],
    indices: [
      { name: "ix_triggers_batch", columnNames: ["batchId"] },
      { name: "ix_triggers_next", columnNames: ["nextAt"] },
    ],
    foreignKeys: [ofBatch("fk_triggers_batch", "batchId")],
  }),
  new Table({
    name: "links",
    columns: [id, integer("predecessorId"), integer("successorId"), varchar("runOn", 8), boolean("previousOutput")],
    uniques: [{ name: "uq_links_pair", columnNames: ["predecessorId", "successorId"] }],
    indices: [{ name: "ix_links_successor", columnNames: ["successorId"] }],
    foreignKeys: [ofBatch("fk_links_predecessor", "predecessorId"), ofBatch("fk_links_successor", "successorId")],
  }),
  new Table({
    name: "chain_runs",
    columns: [id, integer("headBatchId"), json("plan"), bigint("createdAt")],
  }),
  new Table({
    name: "executions",
    columns: [
      id,
      integer("number"),
      integer("batchId"),
      varchar("batchName", 128),
      integer("version"),
      integer("chainRunId", OPTIONAL),
      integer("triggerId", OPTIONAL),
      varchar("triggerKind", 8, OPTIONAL),
      varchar("source", 8),
      json("actor"),
      varchar("status", 12),
      varchar("stopAs", 12, OPTIONAL),
      varchar("reasonCode", 40, OPTIONAL),
      text("reasonText", OPTIONAL),
      bigint("scheduledAt", OPTIONAL),
      bigint("queuedAt"),
      bigint("startedAt", OPTIONAL),
      bigint("finishedAt", OPTIONAL),
      integer("attempt"),
      integer("exitCode", OPTIONAL),
      varchar("signal", 12, OPTIONAL),
      boolean("exclusive"),
      json("args"),
      json("payload", OPTIONAL),
      json("inputs"),
      json("progress", OPTIONAL),
      json("results", OPTIONAL),
      bigint("logBytes", OPTIONAL),
      boolean("logTruncated"),
      bigint("errorLogBytes", OPTIONAL),
      boolean("errorLogTruncated"),
    ],
    uniques: [{ name: "uq_executions_occurrence", columnNames: ["triggerId", "scheduledAt"] }],
    indices: [
      { name: "ix_executions_batch", columnNames: ["batchId", "id"] },
      { name: "ix_executions_active", columnNames: ["batchId", "status"] },
      { name: "ix_executions_status", columnNames: ["status", "id"] },
      { name: "ix_executions_chain_run", columnNames: ["chainRunId", "batchId"] },
    ],
  }),
  new Table({
    name: "events",
    columns: [
      id,
      varchar("kind", 40),
      bigint("occurredAt"),
      varchar("subjectType", 16),
      integer("subjectId"),
      varchar("subjectName", 128),
      varchar("source", 8),
      json("actor"),
      json("payload"),
    ],
    indices: [{ name: "ix_events_subject", columnNames: ["subjectType", "subjectId", "id"] }],
  }),
  new Table({
    name: "api_tokens",
    columns: [id, varchar("name", 128), varchar("hash", 64), bigint("createdAt")],
    uniques: [{ name: "uq_api_tokens_name", columnNames: ["name"] }],
  }),
];

export class CreateSchema1795219200000 implements MigrationInterface {
  readonly name = "CreateSchema1795219200000";

  async up(runner: QueryRunner): Promise<void> {
    if (runner.dataSource.driver.options.type !== "better-sqlite3") {
      // Names and logs hold any character, and compare byte by byte as on SQLite, whatever the server's default is.
      await runner.query("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    }
    for (const table of TABLES) await runner.createTable(table);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES.toReversed()) await runner.dropTable(table);
  }
}
