// A small ledger made by hand, for the auditor's own test: a real database and real files, without a fault until spoilt.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { EntityManager } from "typeorm";
import { onTestFinished } from "vitest";
import { makeDataSource } from "../../src/database/data-source.js";
import { Database } from "../../src/database/database.js";
import { Batch } from "../../src/entities/batch.js";
import { ChainRun } from "../../src/entities/chain-run.js";
import { Execution } from "../../src/entities/execution.js";
import { Link } from "../../src/entities/link.js";
import { Trigger } from "../../src/entities/trigger.js";
import { LogStore } from "../../src/handlers/log-store.js";
import type { Demand } from "../../src/jobs/demand.js";
import { newRow } from "../../src/jobs/new-row.js";
import { SYSTEM } from "../../src/models/actor.js";
import { batchConfigSchema, type BatchConfigInput } from "../../src/models/batch-config.js";
import { audit } from "./audit.js";
import { behaviourOf, outputBytes } from "./behaviour.js";
import { collectFacts, placesIn, type Places } from "./facts.js";
import type { Findings } from "./findings.js";
import { Journal } from "./journal.js";

export const START = Date.parse("2026-12-01T12:00:00Z");
const BYTES = outputBytes();
const CONCURRENCY = 2;

/**
 * tick runs every second and may not overlap: executions 1 to 6, and 7 by hand. head runs every three seconds with
 * after behind it: 8, which fails and so aborts 9, then 10 and 11.
 */
const CONFIGS: BatchConfigInput[] = [
  { name: "tick", cron: "* * * * * *" },
  { name: "head", cron: "*/3 * * * * *", overlap: "allow" },
  { name: "after", overlap: "allow" },
];
const LINK = { predecessorId: 2, successorId: 3, runOn: "success" as const, previousOutput: false };

export class HandMadeLedger {
  private constructor(
    readonly places: Places,
    readonly journal: Journal,
    private readonly url: string,
  ) {}

  /** In a folder of its own, which is gone when the test has finished. */
  static async make(): Promise<HandMadeLedger> {
    const folder = await mkdtemp(path.join(tmpdir(), "batchline-audit-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const places = placesIn(folder);
    const url = `sqlite:${path.join(folder, "batchline.sqlite")}`;
    await (await Database.open(url)).close();
    writeFileSync(places.bytes, BYTES);
    const ledger = new HandMadeLedger(places, new Journal(places.journal), url);
    await ledger.fill();
    return ledger;
  }

  async audit(): Promise<Findings> {
    return audit(await collectFacts(this.url, this.places, CONCURRENCY));
  }

  /** Adds a line to what the scripts have said. */
  say(line: string): void {
    appendFileSync(this.places.witness, `${line}\n`);
  }

  /** Takes back what a script has said. */
  unsay(line: string): void {
    const said = readFileSync(this.places.witness, "utf8").split("\n");
    if (!said.includes(line)) throw new Error(`Nobody has said: ${line}`);
    writeFileSync(this.places.witness, said.filter((other) => other !== line).join("\n"));
  }

  logFile(id: number, stream: "log" | "error_log"): string {
    return new LogStore({ folder: this.places.logs }).pathFor({ executionId: id, attempt: 1, stream });
  }

  async sql(...statements: string[]): Promise<void> {
    await this.work(async (manager) => {
      for (const statement of statements) await manager.query(statement);
    });
  }

  /** Copies an execution, but for these columns; as SQL has them. */
  async copy(id: number, changes: Record<string, string>): Promise<void> {
    await this.work(async (manager) => {
      const columns: { name: string }[] = await manager.query("PRAGMA table_info(executions)");
      const values = columns.map(({ name }) => changes[name] ?? `"${name}"`);
      await manager.query(`INSERT INTO executions SELECT ${values.join(", ")} FROM executions WHERE id = ${id}`);
    });
  }

  /** As a database that somebody has forgotten the keys of. */
  async dropKeys(): Promise<void> {
    const bare = "CREATE TABLE bare AS SELECT * FROM executions";
    await this.sql(bare, "DROP TABLE executions", "ALTER TABLE bare RENAME TO executions");
  }

  private async work(act: (manager: EntityManager) => Promise<void>): Promise<void> {
    const database = makeDataSource(this.url);
    await database.initialize();
    await act(database.manager).finally(() => database.destroy());
  }

  private async fill(): Promise<void> {
    this.journal.add(
      ...["tick", "head"].map((batch) => ({ kind: "armed", batch, from: START - 500, by: START }) as const),
      { kind: "asked", execution: 7 },
    );
    await this.work(async (manager) => {
      for (const config of CONFIGS) await insertBatch(manager, config);
      await manager.insert(Link, LINK);
      await this.insertExecutions(manager);
    });
  }

  private async insertExecutions(manager: EntityManager): Promise<void> {
    const [tick, head, after] = (await manager.find(Batch)) as [Batch, Batch, Batch];
    const common = { source: "schedule", actor: SYSTEM } as const;
    const occurrence = (triggerId: number, s: number) =>
      ({ triggerId, triggerKind: "cron", triggerName: null, scheduledAt: START + s * 1000 }) as const;
    const insert = (number: number, demand: Demand, chainRunId: number | null = null) => {
      const row = newRow(demand, { number, turn: 0, now: START });
      return this.insertExecution(manager, Object.assign(row, { chainRunId }));
    };
    for (let s = 1; s <= 6; s++) await insert(s, { ...common, batch: tick, occurrence: occurrence(1, s) });
    await insert(7, { ...common, batch: tick });
    for (let pass = 1; pass <= 2; pass++) {
      await manager.insert(ChainRun, { headBatchId: head.id, plan: { links: [LINK] }, createdAt: START });
      const { status } = await insert(pass, { ...common, batch: head, occurrence: occurrence(2, pass * 3) }, pass);
      const reason = { code: "predecessor_failed", text: "It failed." };
      const verdict = { status: "aborted", reason } as const;
      await insert(pass, { ...common, batch: after, ...(status === "completed" ? {} : { verdict }) }, pass);
    }
  }

  /** Makes it end as its script must, with the script's testimony of a little less than a second, and its logs. */
  private async insertExecution(manager: EntityManager, row: Execution): Promise<Execution> {
    const { identifiers } = await manager.insert(Execution, row);
    const id = Number(identifiers[0]?.["id"]);
    if (row.status === "queued") {
      const { exitCode, stdout, stderr } = behaviourOf(id, 1, BYTES);
      const status = exitCode === 0 ? "completed" : "failed";
      const end = { status, exitCode, logBytes: stdout.length, errorLogBytes: stderr.length, attempt: 1 } as const;
      Object.assign(row, end, { finishedAt: START });
      await manager.update(Execution, { id }, { ...end, finishedAt: START });
      this.say(`${id} 1 100 99 ${id}.000001 start\n${id} 1 100 99 ${id}.900000 end ${exitCode}`);
      mkdirSync(path.dirname(this.logFile(id, "log")), { recursive: true });
      writeFileSync(this.logFile(id, "log"), stdout);
      writeFileSync(this.logFile(id, "error_log"), stderr);
    }
    const { status, exitCode, finishedAt } = row;
    this.journal.add({ kind: "final", execution: id, status, exitCode, finishedAt });
    return row;
  }
}

async function insertBatch(manager: EntityManager, input: BatchConfigInput): Promise<void> {
  const config = batchConfigSchema.parse(input);
  const names = { name: config.name, foldedName: config.name, nameKey: config.name, description: "" };
  const state = { version: 1, disabledAt: null, enabled: true, executionCount: 0, revision: 1 };
  const stamps = { createdAt: START, updatedAt: START };
  const { identifiers } = await manager.insert(Batch, { ...names, ...state, ...stamps, config });
  if (config.cron === undefined) return;
  const schedule = { kind: "cron", expression: config.cron, timeZone: "UTC", dst: "next_valid", onceAt: null } as const;
  const nextAt = START + (config.name === "tick" ? 7000 : 9000);
  const batchId = Number(identifiers[0]?.["id"]);
  await manager.insert(Trigger, { ...schedule, batchId, nextAt, gapFrom: null, createdAt: START });
}
