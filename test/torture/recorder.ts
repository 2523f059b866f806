// Watches the ledger from outside while it is tortured, and notes each row's final status when it is first seen.
import { setTimeout as pause } from "node:timers/promises";
import { In, type DataSource } from "typeorm";
import { makeDataSource } from "../../src/database/data-source.js";
import { Batch } from "../../src/entities/batch.js";
import { Execution } from "../../src/entities/execution.js";
import { isOfBatch, Trigger } from "../../src/entities/trigger.js";
import { isFinal } from "../../src/models/status.js";
import type { Journal } from "./journal.js";

const LOOK_EVERY_MS = 250;
/** On a server a row may appear after others with later ids: its transaction took longer. */
const LATE_IDS = 3000;

/** A trigger with the name of its batch. */
export interface SeenTrigger {
  batch: string;
  nextAt: number | null;
}

export class Recorder {
  private readonly open = new Set<number>();
  private readonly closed = new Set<number>();
  private newest = 0;
  private names = new Map<number, string>();
  private readonly closing = new AbortController();
  private readonly watching: Promise<void>;

  private constructor(
    private readonly database: DataSource,
    private readonly journal: Journal,
  ) {
    this.watching = this.watch();
  }

  /** Opens a database whose schema is there already, to read it only, and looks at it until closed. */
  static async start(databaseUrl: string, journal: Journal): Promise<Recorder> {
    const database = makeDataSource(databaseUrl, { readOnly: true });
    await database.initialize();
    return new Recorder(database, journal);
  }

  /** One look; returns how many rows are not final yet. */
  async look(): Promise<number> {
    const { manager } = this.database;
    const columns = { id: true, status: true, exitCode: true, finishedAt: true } as const;
    const fresh = await manager
      .createQueryBuilder(Execution, "e")
      .select(Object.keys(columns).map((column) => `e.${column}`))
      .where("e.id > :known", { known: this.newest - LATE_IDS })
      .getMany();
    const ids = [...this.open];
    const changed = ids.length === 0 ? [] : await manager.find(Execution, { select: columns, where: { id: In(ids) } });
    for (const row of [...fresh, ...changed]) {
      if (this.closed.has(row.id)) continue;
      this.newest = Math.max(this.newest, row.id);
      if (isFinal(row.status)) this.noteFinal(row);
      else this.open.add(row.id);
    }
    return this.open.size;
  }

  /** The triggers that `wanted` picks. */
  async triggers(wanted: (trigger: SeenTrigger) => boolean): Promise<SeenTrigger[]> {
    const { manager } = this.database;
    const rows = (await manager.find(Trigger)).filter(isOfBatch);
    if (rows.some(({ batchId }) => !this.names.has(batchId))) {
      const batches = await manager.find(Batch, { select: { id: true, name: true } });
      this.names = new Map(batches.map(({ id, name }) => [id, name]));
    }
    return rows.map(({ batchId, nextAt }) => ({ batch: this.names.get(batchId) ?? "", nextAt })).filter(wanted);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.watching;
    await this.database.destroy();
  }

  private async watch(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      // A server that is frozen for a moment answers later.
      await this.look().catch(() => undefined);
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private noteFinal({ id, status, exitCode, finishedAt }: Execution): void {
    this.open.delete(id);
    this.closed.add(id);
    this.journal.add({ kind: "final", execution: id, status, exitCode, finishedAt });
  }
}
