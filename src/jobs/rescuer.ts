// The rescuer: at start, takes up every execution that an earlier service left running, and tidies after ended ones.
import { In } from "typeorm";
import type { Database } from "../database/database.js";
import { Execution } from "../entities/execution.js";
import type { Logger } from "../handlers/logger.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import type { Runner } from "./runner.js";

interface Collaborators {
  database: Database;
  runner: Runner;
  workspaces: Workspaces;
  logger: Logger;
}

export class Rescuer {
  constructor(private readonly with_: Collaborators) {}

  /** Returns once every execution left behind is being looked after; their ends come later. */
  async start(): Promise<void> {
    const { database, logger, runner, workspaces } = this.with_;
    // The folders before the rows: one that is made in between is not on the list, and so is not taken for a left-over.
    const folders = await workspaces.list();
    const running = await database.read((manager) =>
      manager.find(Execution, { where: { status: In(["running", "stopping"]) }, order: { id: "ASC" } }),
    );
    if (running.length > 0) logger.info({ executions: running.length }, "taking up executions found running");
    const needed = new Set(running.map(({ id, attempt }) => runIdOf(id, attempt)));
    for (const runId of folders) if (!needed.has(runId)) workspaces.remove(runId);
    for (const execution of running) {
      runner.resume(execution).catch((error: unknown) => logger.error({ err: error }, "an execution was not taken up"));
    }
  }
}
