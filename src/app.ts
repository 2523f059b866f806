// The one place that says `new`: builds the whole service from its configuration, starts it, and stops it.
import { createServer, type Server } from "node:http";
import { access, constants, mkdir } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import type { Config } from "./config.js";
import { inheritedEnvironment } from "./config.js";
import { BatchController } from "./controllers/batch-controller.js";
import { ChainController } from "./controllers/chain-controller.js";
import { ExecutionController } from "./controllers/execution-controller.js";
import { HealthController } from "./controllers/health-controller.js";
import { Database } from "./database/database.js";
import { AppError } from "./errors.js";
import { ArtifactStore } from "./handlers/artifact-store/artifact-store.js";
import { systemClock, type Clock } from "./handlers/clock.js";
import { EventLog } from "./handlers/event-log.js";
import { LogStore } from "./handlers/log-store.js";
import type { Logger } from "./handlers/logger.js";
import { WorkerPool } from "./handlers/process/worker-pool.js";
import { Workspaces } from "./handlers/workspace.js";
import { Dispatcher } from "./jobs/dispatcher.js";
import { Queue } from "./jobs/queue.js";
import { Rescuer } from "./jobs/rescuer.js";
import { Runner } from "./jobs/runner.js";
import { Scheduler } from "./jobs/scheduler.js";
import { Stopper } from "./jobs/stopper.js";
import { makeHttpApp, type Controllers } from "./routers/index.js";
import { AccessService } from "./services/access-service.js";
import { BatchService } from "./services/batch-service.js";
import { ChainService } from "./services/chain-service.js";
import { ExecutionService } from "./services/execution-service.js";
import { HealthService } from "./services/health-service.js";
import { Registration } from "./services/registration.js";

/** A running service. */
export interface App {
  /** Where it answers, without a slash at the end. */
  url: string;
  /** The administrator's token, if this start made it: it cannot be read again. */
  newToken: string | null;
  events: EventLog;
  /** Finishes the requests under way and lets go of the scripts, which go on. */
  stop(): Promise<void>;
}

export interface AppOptions {
  config: Config;
  logger: Logger;
  clock?: Clock;
}

/** A request must be whole after so long. */
const UPLOAD_PATIENCE_MS = 3_600_000;
/** Requests that have not been answered so long after `stop` are cut off. */
const STOP_PATIENCE_MS = 10_000;

/**
 * Builds and starts the service.
 *
 * @throws AppError in plain words if the database, a folder or the port cannot be had; nothing is left running then
 */
export async function startApp({ config, logger, clock = systemClock }: AppOptions): Promise<App> {
  const releases: Releases = [];
  const release = async () => {
    for (const act of releases.splice(0).reverse()) await act();
  };
  try {
    const app = await build({ config, logger, clock }, releases);
    return { ...app, stop: release };
  } catch (error) {
    await release();
    throw error;
  }
}

type Releases = (() => unknown)[];

async function build({ config, logger, clock }: Required<AppOptions>, releases: Releases) {
  const folders = { UPLOADS_DIR: config.uploadsDir, LOGS_DIR: config.logsDir, DATA_DIR: config.dataDir };
  for (const [name, folder] of Object.entries(folders)) await ensureFolder(name, folder);
  const database = await Database.open(config.databaseUrl, {
    waitMs: config.databaseWaitMs,
    onWait: () => logger.warn("the database does not answer yet; waiting for it"),
  });
  releases.push(() => database.close());
  const events = new EventLog({ clock });
  const artifacts = new ArtifactStore({ folder: config.uploadsDir, clock });
  const logs = new LogStore({ folder: config.logsDir });
  const workspaces = new Workspaces({ dataFolder: config.dataDir });
  for (const room of [artifacts, logs, workspaces]) await room.prepare();
  releases.push(() => workspaces.close());
  const handlers = { database, events, artifacts, logs, workspaces, clock, logger };
  const jobs = await buildJobs(config, handlers, releases);

  const access = new AccessService({ database, clock, adminToken: config.adminToken });
  const stopping = new AbortController();
  let url = "";
  const http = makeHttpApp({
    controllers: buildControllers(handlers, jobs, folders),
    access,
    upload: { stagingFolder: artifacts.stagingFolder, maxFileBytes: config.maxUploadBytes },
    stopping: stopping.signal,
    logger,
    publicUrl: () => config.publicUrl ?? url,
  });
  // The port comes first: a service that cannot have it must not have touched a run, nor made a token.
  let ready = false;
  const server = createServer((request, response) => {
    if (ready) http(request, response);
    else response.writeHead(503, { "Retry-After": "1" }).end();
  });
  // A slow line may take long over a large upload.
  server.requestTimeout = UPLOAD_PATIENCE_MS;
  url = await listen(server, config);
  releases.push(
    () => close(server),
    () => stopping.abort(),
  );
  const newToken = await access.ensureAdministrator();
  await jobs.start();
  ready = true;
  return { url, newToken, events };
}

interface Handlers {
  database: Database;
  events: EventLog;
  artifacts: ArtifactStore;
  logs: LogStore;
  workspaces: Workspaces;
  clock: Clock;
  logger: Logger;
}

/** Everything that happens because time passes. The workers start now, while the process is small. */
async function buildJobs({ concurrency, maxLogBytes }: Config, handlers: Handlers, releases: Releases) {
  const { workspaces, logger } = handlers;
  const inherited = inheritedEnvironment();
  const { runsFolder } = workspaces;
  const pool = new WorkerPool({ runsFolder, size: concurrency, capBytes: maxLogBytes, baseEnv: inherited, logger });
  releases.push(() => pool.stop());
  await pool.start();
  const queue = new Queue({ ...handlers, concurrency });
  const stopper = new Stopper({ ...handlers, queue });
  const runner = new Runner({ ...handlers, queue, pool, stopper, inherited });
  releases.push(() => runner.close());
  const dispatcher = new Dispatcher({ queue, runner, stopper, logger });
  releases.push(() => dispatcher.close());
  const scheduler = new Scheduler({ ...handlers, queue });
  releases.push(() => scheduler.close());
  const start = async () => {
    await new Rescuer({ ...handlers, runner }).start();
    dispatcher.start();
    await scheduler.start();
  };
  return { queue, scheduler, start };
}

/** Everything that happens because someone asks. */
function buildControllers(
  handlers: Handlers,
  jobs: { queue: Queue; scheduler: Scheduler },
  folders: object,
): Controllers {
  const registration = new Registration({ ...handlers, ...jobs });
  const batches = new BatchService({ ...handlers, ...jobs, registration });
  const chains = new ChainService({ ...handlers, registration, batches });
  const executions = new ExecutionService({ ...handlers, ...jobs });
  const health = new HealthService({ ...handlers, folders: { ...folders } });
  return {
    batches: new BatchController({ batches }),
    chains: new ChainController({ chains }),
    executions: new ExecutionController({ executions }),
    health: new HealthController({ health }),
  };
}

async function ensureFolder(name: string, folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o750 });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new AppError(
      "unavailable",
      `The folder ${folder} cannot be written: mend its owner or mode, or set ${name}.`,
      { cause },
    );
  }
}

/** The address it listens on. @throws AppError `unavailable` if the port cannot be had */
function listen(server: Server, { host, port }: Config): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === "EADDRINUSE"
          ? `port ${port} on ${host} is taken; end what uses it, or set PORT to another`
          : `${host} port ${port} cannot be listened on (${cause.code ?? cause.message}); check HOST and PORT`;
      reject(new AppError("unavailable", `The service cannot start: ${why}.`, { cause }));
    });
    server.listen(port, host, () => {
      const { port: actual } = server.address() as AddressInfo;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${actual}`);
    });
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // Again and again: one whose answer was just leaving falls idle later, and would stay open until its peer tires of it.
  const sweep = setInterval(() => server.closeIdleConnections(), 10);
  const cut = setTimeout(() => server.closeAllConnections(), STOP_PATIENCE_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
