// The search for strays: processes of ended runs that nobody saw being left behind, on machines without cgroups.
import type { Database } from "../database/database.js";
import { runningExecutions } from "../database/queue-queries.js";
import { Batch } from "../entities/batch.js";
import { Execution } from "../entities/execution.js";
import type { Logger } from "../handlers/logger.js";
import { strays } from "../handlers/process/leftovers.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import { parseDuration } from "../models/duration.js";
import { ownerState, type Owner } from "./ownership.js";
import type { Queue } from "./queue.js";
import { processesOf } from "./run-environment.js";
import { endLeftovers } from "./tidying.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  workspaces: Workspaces;
  owner: Owner;
  logger: Logger;
}

/** A search looks at every process of the machine: not more often than this. */
const EVERY_MS = 5000;
const DEFAULT_KILL_AFTER_MS = 10_000;

export class StraySearch {
  /** From the start on: an earlier service may have left some. */
  private suspected = true;
  private searchedAt = -Infinity;
  private readonly ending = new Set<string>();

  constructor(private readonly with_: Collaborators) {}

  /** A run has ended of which it cannot be told whether something is left. */
  suspect(): void {
    this.suspected = true;
  }

  /** Searches, if there is reason to and the last search is long enough ago; what is found is ended and counted. */
  async look(): Promise<void> {
    const now = performance.now();
    if (!this.suspected || now - this.searchedAt < EVERY_MS) return;
    this.suspected = false;
    this.searchedAt = now;
    const found = [...(await strays(this.with_.workspaces.runsFolder)).keys()];
    if (found.length === 0) return;
    const running = await this.with_.database.read(runningExecutions);
    const underWay = new Set(running.map(({ id, attempt }) => runIdOf(id, attempt)));
    for (const runId of found) if (!underWay.has(runId) && !this.ending.has(runId)) await this.judge(runId);
  }

  private async judge(runId: string): Promise<void> {
    const { database, logger, owner } = this.with_;
    const id = Number.parseInt(runId);
    const [execution, batch] = await database.read(async (manager) => {
      const row = await manager.findOneBy(Execution, { id });
      return [row, row && (await manager.findOneBy(Batch, { id: row.batchId }))];
    });
    // Whose run it was ends what is left of it, as long as that one lives.
    if (!execution || batch?.config.leftovers === "keep") return;
    if (execution.claimedBy !== owner && ownerState(execution.claimedBy) === "alive") return;
    const killAfterMs = parseDuration(batch?.config.killAfter ?? "") ?? DEFAULT_KILL_AFTER_MS;
    this.ending.add(runId);
    this.end(runId, execution, killAfterMs)
      .catch((error: unknown) => logger.error({ err: error, execution: id }, "strays could not be ended"))
      .finally(() => this.ending.delete(runId));
  }

  private async end(runId: string, execution: Execution, killAfterMs: number): Promise<void> {
    const { queue, workspaces, logger } = this.with_;
    const processes = processesOf(workspaces.pathsOf(runId), { state: "absent" });
    const { count, survivors } = await endLeftovers(processes, { thorough: true, warned: false, killAfterMs });
    logger.info({ execution: execution.id, count, survivors }, "ended what a script had left behind");
    await queue.countLeftovers(execution.id, count);
  }
}
