// Triggers of their own, with or without a batch; events that can be found by batch, execution and kind; test runs.
import { TableColumn, TableIndex, type MigrationInterface, type QueryRunner } from "typeorm";
import { addColumns, bigint, boolean, dropColumns, integer, json, OPTIONAL, varchar } from "./columns.js";

const COLUMNS = {
  triggers: [
    varchar("name", 128, OPTIONAL),
    varchar("description", 1000, OPTIONAL),
    boolean("ofConfig", { default: 1 }),
    boolean("enabled", { default: 1 }),
    boolean("test", { default: 0 }),
    json("payloadSchema", OPTIONAL),
    varchar("tokenHash", 64, OPTIONAL),
    varchar("tokenPrefix", 24, OPTIONAL),
    json("secrets", OPTIONAL),
    integer("revision", { default: 1 }),
    bigint("lastFiredAt", OPTIONAL),
    bigint("updatedAt", OPTIONAL),
    json("createdBy", OPTIONAL),
  ],
  executions: [varchar("triggerName", 128, OPTIONAL), boolean("test", { default: 0 })],
  events: [
    integer("batchId", OPTIONAL),
    integer("executionId", OPTIONAL),
    boolean("test", { default: 0 }),
    boolean("archived", { default: 0 }),
  ],
};

const OLD_INDEX = new TableIndex({ name: "ix_events_subject", columnNames: ["subjectType", "subjectId", "id"] });
/** Each ends in the order of pages; the kind tells the type of the subject. */
const INDICES = Object.entries({
  list: [],
  kind: ["kind"],
  batch: ["batchId"],
  batch_kind: ["batchId", "kind"],
  subject: ["subjectId", "kind"],
}).map(
  ([name, leading]) =>
    new TableIndex({ name: `ix_events_${name}`, columnNames: [...leading, "archived", "test", "occurredAt", "id"] }),
);
INDICES.push(new TableIndex({ name: "ix_events_execution", columnNames: ["executionId", "occurredAt", "id"] }));

const OF_BATCHES = "subjectType = 'batch'";
const OF_EXECUTIONS = "subjectType = 'execution'";

export class OpenTriggers1795651200000 implements MigrationInterface {
  readonly name = "OpenTriggers1795651200000";

  async up(runner: QueryRunner): Promise<void> {
    await changeBatchId(runner, OPTIONAL);
    await addColumns(runner, COLUMNS);
    await runner.query("UPDATE triggers SET updatedAt = createdAt");
    await runner.query(`UPDATE events SET batchId = subjectId WHERE ${OF_BATCHES}`);
    await runner.query(
      `UPDATE events SET executionId = subjectId, batchId = (SELECT batchId FROM executions WHERE id = subjectId) WHERE ${OF_EXECUTIONS}`,
    );
    await runner.dropIndex("events", OLD_INDEX);
    await runner.createIndices("events", INDICES);
    await runner.query("INSERT INTO service_state (name, value) VALUES ('events', ''), ('events_deleted_to', '0')");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query("DELETE FROM service_state WHERE name IN ('events', 'events_deleted_to')");
    await runner.query("DELETE FROM triggers WHERE ofConfig = FALSE");
    for (const index of INDICES) await runner.dropIndex("events", index);
    await runner.createIndex("events", OLD_INDEX);
    await dropColumns(runner, COLUMNS);
    await changeBatchId(runner, {});
  }
}

async function changeBatchId(runner: QueryRunner, extra: typeof OPTIONAL): Promise<void> {
  if (runner.dataSource.options.type !== "better-sqlite3") {
    // TypeORM would take "integer" for another type than "int", and drop the column with all that is in it.
    await runner.query(`ALTER TABLE triggers MODIFY batchId int ${extra.isNullable ? "NULL" : "NOT NULL"}`);
    return;
  }
  // SQLite needs a new table; no other one refers to it, so that its end takes nothing along. It is read afresh, for the
  // runner does not know of columns that plain statements have added, and would leave them out.
  const table = await runner.getTable("triggers");
  if (table) await runner.changeColumn(table, "batchId", new TableColumn(integer("batchId", extra)));
}
