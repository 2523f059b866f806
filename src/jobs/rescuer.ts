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
  /** Attempts that were ours and in nobody's hands when we last looked. */
  private dropped = new Set<string>();

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
    const ours = running.filter(({ claimedBy }) => claimedBy === owner);
    for (const execution of ours) if (execution.status === "stopping") void stopper.end(execution);
    this.pickUp(ours);
    await this.takeOver(running.filter(({ claimedBy }) => claimedBy !== owner));
  }

  /** Nothing may run in our name that is not in our hands. Seen once, it may just be on its way to us; twice, it is lost on us. */
  private pickUp(ours: Execution[]): void {
    const dropped = ours.filter((execution) => !this.with_.runner.holds(execution));
    for (const execution of dropped) if (this.dropped.has(nameOf(execution))) this.resume(execution, false);
    this.dropped = new Set(dropped.map(nameOf));
  }

  private async takeOver(strangers: Execution[]): Promise<void> {
    const { logger, queue } = this.with_;
    const states = new Map(strangers.map(({ claimedBy }) => [claimedBy, ownerState(claimedBy)]));
    const orphans = strangers.filter(({ claimedBy }) => states.get(claimedBy) !== "alive");
    if (orphans.length === 0) return;
    const owners = new Map(orphans.map(({ id, claimedBy }) => [id, claimedBy]));
    const taken = await queue.takeOver(orphans);
    if (taken.length > 0) logger.info({ executions: taken.length }, "taking up executions found running");
    for (const execution of taken) {
      this.resume(execution, states.get(owners.get(execution.id) ?? null) === "before_boot");
    }
  }

  private resume(execution: Execution, beforeBoot: boolean): void {
    const { logger, runner } = this.with_;
    runner.resume(execution, { beforeBoot }).catch((error: unknown) => {
      logger.error({ err: error, execution: execution.id }, "an execution was not taken up");
    });
  }
}

function nameOf({ id, attempt }: Execution): string {
  return runIdOf(id, attempt);
}
