// The one place where the service is put together, started and stopped; the two files beside it say what is in it.
import { setMaxListeners } from "node:events";
import { createServer } from "node:http";
import { access, constants, mkdir } from "node:fs/promises";
import type { Config } from "./config.js";
import { Database } from "./database/database.js";
import { AppError } from "./errors.js";
import { ArtifactStore } from "./handlers/artifact-store/artifact-store.js";
import { systemClock, type Clock } from "./handlers/clock.js";
import { EventLog } from "./handlers/event-log.js";
import { tieInstallation, tieUploads } from "./handlers/installation.js";
import { LogStore } from "./handlers/log-store.js";
import type { Logger } from "./handlers/logger.js";
import { SchemaChecker } from "./handlers/json-schema/schema-checker.js";
import { SecretBox } from "./handlers/secret-box.js";
import { TriggerAccess } from "./services/trigger-access.js";
import { Workspaces } from "./handlers/workspace.js";
import { ArtifactSweep } from "./jobs/artifact-sweep.js";
import { makeHttpApp } from "./routers/index.js";
import { closeServer, listen } from "./routers/listening.js";
import { AccessService } from "./services/access-service.js";
import { IdempotencyService } from "./services/idempotency-service.js";
import { buildControllers } from "./build-controllers.js";
import { buildJobs } from "./build-jobs.js";

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

/** What gives back all that was taken so far, in that order. */
export type Releases = (() => unknown)[];

async function build({ config, logger, clock }: Required<AppOptions>, releases: Releases) {
  const folders = { UPLOADS_DIR: config.uploadsDir, LOGS_DIR: config.logsDir, DATA_DIR: config.dataDir };
  for (const [name, folder] of Object.entries(folders)) await ensureFolder(name, folder);
  const database = await Database.open(config.databaseUrl, {
    waitMs: config.databaseWaitMs,
    onWait: () => logger.warn("the database does not answer yet; waiting for it"),
  });
  releases.push(() => database.close());
  await tieInstallation(database, config.dataDir);
  const events = new EventLog({ clock });
  const artifacts = new ArtifactStore({ folder: config.uploadsDir, clock });
  const logs = new LogStore({ folder: config.logsDir });
  const workspaces = new Workspaces({ dataFolder: config.dataDir });
  const secretBox = SecretBox.open(config.dataDir, config.secretKey);
  const schemas = new SchemaChecker();
  releases.push(() => schemas.close());
  for (const room of [artifacts, logs, workspaces]) await room.prepare();
  await tieUploads(database, config.uploadsDir, await artifacts.keys());
  releases.push(() => workspaces.close());
  const handlers = { database, events, artifacts, logs, workspaces, secretBox, schemas, clock, logger };
  let url = "";
  const publicUrl = () => config.publicUrl ?? url;
  const jobs = await buildJobs(config, handlers, releases, publicUrl);

  const access = new AccessService({ database, events, clock, adminToken: config.adminToken });
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // as many as there are streams
  const http = makeHttpApp({
    controllers: buildControllers(config, handlers, jobs, folders),
    access,
    triggerAccess: new TriggerAccess({ ...handlers, access }),
    idempotency: new IdempotencyService(handlers),
    upload: { newUpload: () => artifacts.newUpload(), maxFileBytes: config.maxUploadBytes },
    stopping: stopping.signal,
    logger,
    publicUrl,
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
    () => closeServer(server),
    () => stopping.abort(),
  );
  const newToken = await access.ensureAdministrator();
  await new ArtifactSweep(handlers).run();
  await jobs.start();
  ready = true;
  return { url, newToken, events };
}

/** The hands on the outside world, each made once. */
export interface Handlers {
  database: Database;
  events: EventLog;
  artifacts: ArtifactStore;
  logs: LogStore;
  workspaces: Workspaces;
  secretBox: SecretBox;
  schemas: SchemaChecker;
  clock: Clock;
  logger: Logger;
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
