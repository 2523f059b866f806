// The rescuer: takes up every execution that a service process left running, and tidies after ended ones.
import type { Database } from "../database/database.js";
import { runningExecutions } from "../database/queue-queries.js";
import type { Execution } from "../entities/execution.js";
import type { Logger } from "../handlers/logger.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import { ownerState, type Owner } from "./ownership.js";
import type { Queue } from "./queue.js";
import type { Runner } from "./runner.js";
import type { Stopper } from "./stopper.js";

interface Collaborators {
  database: Database;
  queue: Queue;
  runner: Runner;
  stopper: Stopper;
  workspaces: Workspaces;
  owner: Owner;
  logger: Logger;
}

export class Rescuer {
  constructor(private readonly with_: Collaborators) {}

  /** Sweeps up what ended runs have left. Returns once every execution left behind is being looked after. */
  async start(): Promise<void> {
    const { database, workspaces } = this.with_;
    // The folders before the rows: one that is made in between is not on the list, and so is not taken for a left-over.
    const folders = await workspaces.list();
    const running = await database.read(runningExecutions);
    const needed = new Set(running.map(({ id, attempt }) => runIdOf(id, attempt)));
    for (const runId of folders) if (!needed.has(runId)) workspaces.remove(runId);
    await workspaces.removeDrafts();
    await this.look();
  }

  /** Takes over what belongs to a process that is gone, and hears what others asked of ours. */
  async look(): Promise<void> {
    const { database, owner, stopper } = this.with_;
    const running = await database.read(runningExecutions);
    for (const execution of running) {
      if (execution.claimedBy === owner && execution.status === "stopping") void stopper.end(execution);
    }
    await this.takeOver(running.filter(({ claimedBy }) => claimedBy !== owner));
  }

  private async takeOver(strangers: Execution[]): Promise<void> {
    const { logger, queue, runner } = this.with_;
    const states = new Map(strangers.map(({ claimedBy }) => [claimedBy, ownerState(claimedBy)]));
    const orphans = strangers.filter(({ claimedBy }) => states.get(claimedBy) !== "alive");
    if (orphans.length === 0) return;
    const owners = new Map(orphans.map(({ id, claimedBy }) => [id, claimedBy]));
    const taken = await queue.takeOver(orphans);
    if (taken.length > 0) logger.info({ executions: taken.length }, "taking up executions found running");
    for (const execution of taken) {
      const beforeBoot = states.get(owners.get(execution.id) ?? null) === "before_boot";
      runner.resume(execution, { beforeBoot }).catch((error: unknown) => {
        logger.error({ err: error, execution: execution.id }, "an execution was not taken up");
      });
    }
  }
}
