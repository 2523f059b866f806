// Runs with an owner, attempts, fair turns and limits; what a pause leaves open; chain runs that can be cancelled.
import { Table, TableColumn, TableIndex, type MigrationInterface, type QueryRunner } from "typeorm";
import { bigint, boolean, id, integer, json, OPTIONAL, text, varchar } from "./columns.js";

const ATTEMPTS = new Table({
  name: "attempts",
  columns: [
    id,
    integer("executionId"),
    integer("number"),
    varchar("status", 12),
    varchar("reasonCode", 40, OPTIONAL),
    text("reasonText", OPTIONAL),
    bigint("startedAt", OPTIONAL),
    bigint("finishedAt"),
    integer("exitCode", OPTIONAL),
    varchar("signal", 12, OPTIONAL),
    bigint("logBytes", OPTIONAL),
    boolean("logTruncated"),
    bigint("errorLogBytes", OPTIONAL),
    boolean("errorLogTruncated"),
  ],
  uniques: [{ name: "uq_attempts_number", columnNames: ["executionId", "number"] }],
});

const SERVICE_STATE = new Table({
  name: "service_state",
  columns: [varchar("name", 40, { isPrimary: true }), varchar("value", 64)],
});

const COLUMNS = {
  executions: [
    varchar("claimedBy", 100, OPTIONAL),
    bigint("retryAt", OPTIONAL),
    integer("turn", { default: 0 }),
    integer("batchLimit", OPTIONAL),
    json("waits", OPTIONAL),
    integer("leftovers", OPTIONAL),
  ],
  triggers: [bigint("gapFrom", OPTIONAL)],
  chain_runs: [bigint("cancelledAt", OPTIONAL), json("cancelledBy", OPTIONAL)],
};

const INDICES = [
  new TableIndex({ name: "ix_executions_active", columnNames: ["batchId", "status", "turn"] }),
  new TableIndex({ name: "ix_executions_turn", columnNames: ["status", "turn", "id"] }),
  new TableIndex({ name: "ix_executions_scheduled", columnNames: ["scheduledAt"] }),
];

/** The keys that every batch config has from now on. */
const NEW_KEYS = {
  warningExitCodes: [],
  misfire: "fire_once",
  misfireWithin: "1m",
  requires: [],
  excludes: [],
  waitFor: [],
  leftovers: "end",
};

export class MakeRunsDurable1795305600000 implements MigrationInterface {
  readonly name = "MakeRunsDurable1795305600000";

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(ATTEMPTS);
    await runner.createTable(SERVICE_STATE);
    await runner.query("INSERT INTO service_state (name, value) VALUES ('claim', '')");
    for (const [table, columns] of Object.entries(COLUMNS)) {
      await runner.addColumns(
        table,
        columns.map((column) => new TableColumn(column)),
      );
    }
    await runner.query("UPDATE executions SET batchLimit = 1 WHERE exclusive = TRUE");
    await runner.dropColumn("executions", "exclusive");
    await runner.dropIndex("executions", "ix_executions_active");
    await runner.createIndices("executions", INDICES);
    await this.editConfigs(runner, (config) => ({ ...NEW_KEYS, ...config }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await this.editConfigs(runner, (config) => {
      const dropped = ["concurrency", "retry", ...Object.keys(NEW_KEYS)];
      return Object.fromEntries(Object.entries(config).filter(([key]) => !dropped.includes(key)));
    });
    for (const { name } of INDICES) await runner.dropIndex("executions", name ?? "");
    const active = new TableIndex({ name: "ix_executions_active", columnNames: ["batchId", "status"] });
    await runner.createIndex("executions", active);
    await runner.addColumn("executions", new TableColumn({ ...boolean("exclusive"), default: true }));
    await runner.query("UPDATE executions SET exclusive = FALSE WHERE batchLimit IS NULL");
    for (const [table, columns] of Object.entries(COLUMNS)) {
      await runner.dropColumns(
        table,
        columns.map(({ name }) => name),
      );
    }
    await runner.dropTable(SERVICE_STATE);
    await runner.dropTable(ATTEMPTS);
  }

  private async editConfigs(runner: QueryRunner, edit: (config: object) => object): Promise<void> {
    const rows = (await runner.query("SELECT id, config FROM batches")) as { id: number; config: string }[];
    for (const row of rows) {
      const config = JSON.stringify(edit(JSON.parse(row.config) as object));
      await runner.query("UPDATE batches SET config = ? WHERE id = ?", [config, row.id]);
    }
  }
}
