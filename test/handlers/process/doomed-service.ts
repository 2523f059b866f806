// A service for tests: `doomed-service.ts RUNS_FOLDER RUN_ID hang|stop` starts a pool and the prepared run. `hang` waits
// to be killed; `stop` sends its pool away as soon as the script runs, and ends when nothing keeps it alive any more.
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { readStatus } from "../../../src/handlers/process/run-folder.js";
import { WorkerPool } from "../../../src/handlers/process/worker-pool.js";

const [runsFolder = "", runId = "", mode] = process.argv.slice(2);
const pool = new WorkerPool({ runsFolder, size: 2, capBytes: 1 << 20, baseEnv: { PATH: process.env.PATH ?? "" } });
await pool.start();
void pool.run(runId);
if (mode === "stop") {
  while (readStatus(join(runsFolder, runId)).state !== "running") await pause(5);
  await pool.stop();
}
