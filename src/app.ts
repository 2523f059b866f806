// The one place that says `new`: builds the whole service from its configuration, starts it, and stops it.
import { createServer } from "node:http";
import { access, constants, mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "./config.js";
import { inheritedEnvironment } from "./config.js";
import { BatchController } from "./controllers/batch-controller.js";
import { ChainRunController } from "./controllers/chain-run-controller.js";
import { ChainController } from "./controllers/chain-controller.js";
import { DeliveryController } from "./controllers/delivery-controller.js";
import { ExecutionController } from "./controllers/execution-controller.js";
import { HealthController } from "./controllers/health-controller.js";
import { LogController } from "./controllers/log-controller.js";
import { PinController } from "./controllers/pin-controller.js";
import { PlanController } from "./controllers/plan-controller.js";
import { VersionUploadController } from "./controllers/version-upload-controller.js";
import { VersionController } from "./controllers/version-controller.js";
import { Database } from "./database/database.js";
import { AppError } from "./errors.js";
import { ArtifactComparer } from "./handlers/artifact-store/artifact-diff.js";
import { ArtifactStore } from "./handlers/artifact-store/artifact-store.js";
import { systemClock, type Clock } from "./handlers/clock.js";
import { EventLog } from "./handlers/event-log.js";
import { tieInstallation, tieUploads } from "./handlers/installation.js";
import { LogStore } from "./handlers/log-store.js";
import type { Logger } from "./handlers/logger.js";
import { MailChannel } from "./handlers/mail-channel.js";
import { WorkerPool } from "./handlers/process/worker-pool.js";
import { Workspaces } from "./handlers/workspace.js";
import { Alerter } from "./jobs/alerter.js";
import { ArtifactSweep } from "./jobs/artifact-sweep.js";
import { Dispatcher } from "./jobs/dispatcher.js";
import { KeyPruner } from "./jobs/key-pruner.js";
import { MailComposer } from "./jobs/mail-composer.js";
import { Mailer } from "./jobs/mailer.js";
import { newOwner } from "./jobs/ownership.js";
import { Preparation } from "./jobs/preparation.js";
import { Queue } from "./jobs/queue.js";
import { Rescuer } from "./jobs/rescuer.js";
import { makeRounds } from "./jobs/rounds.js";
import { Runner } from "./jobs/runner.js";
import { Scheduler } from "./jobs/scheduler.js";
import { Stopper } from "./jobs/stopper.js";
import { StraySearch } from "./jobs/stray-search.js";
import { makeHttpApp, type Controllers } from "./routers/index.js";
import { closeServer, listen } from "./routers/listening.js";
import { AccessService } from "./services/access-service.js";
import { BatchEditing } from "./services/batch-editing.js";
import { BatchLogSearching } from "./services/batch-log-searching.js";
import { BatchService } from "./services/batch-service.js";
import { ChainRunService } from "./services/chain-run-service.js";
import { ChainService } from "./services/chain-service.js";
import { ConfigEdit } from "./services/config-edit.js";
import { ConfigWriter } from "./services/config-writer.js";
import { Deletion } from "./services/deletion.js";
import { DeliveryService } from "./services/delivery-service.js";
import { Enablement } from "./services/enablement.js";
import { ExecutionService } from "./services/execution-service.js";
import { HealthService } from "./services/health-service.js";
import { IdempotencyService } from "./services/idempotency-service.js";
import { LogReading } from "./services/log-reading.js";
import { Pinning } from "./services/pinning.js";
import { PlanService } from "./services/plan-service.js";
import { Registration } from "./services/registration.js";
import { Replanning } from "./services/replanning.js";
import { Rerun } from "./services/rerun.js";
import { UploadDesk } from "./services/upload-desk.js";
import { VersionService } from "./services/version-service.js";
import { VersionReading } from "./services/version-reading.js";
import { WhyService } from "./services/why-service.js";

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
const LET_GO_PATIENCE_MS = 3000;

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
  await tieInstallation(database, config.dataDir);
  const events = new EventLog({ clock });
  const artifacts = new ArtifactStore({ folder: config.uploadsDir, clock });
  const logs = new LogStore({ folder: config.logsDir });
  const workspaces = new Workspaces({ dataFolder: config.dataDir });
  for (const room of [artifacts, logs, workspaces]) await room.prepare();
  await tieUploads(database, config.uploadsDir, await artifacts.keys());
  releases.push(() => workspaces.close());
  const handlers = { database, events, artifacts, logs, workspaces, clock, logger };
  let url = "";
  const publicUrl = () => config.publicUrl ?? url;
  const jobs = await buildJobs(config, handlers, releases, publicUrl);

  const access = new AccessService({ database, clock, adminToken: config.adminToken });
  const stopping = new AbortController();
  const http = makeHttpApp({
    controllers: buildControllers(config, handlers, jobs, folders),
    access,
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
async function buildJobs(config: Config, handlers: Handlers, releases: Releases, publicUrl: () => string) {
  const { concurrency, maxLogBytes } = config;
  const { workspaces, logger } = handlers;
  const inherited = inheritedEnvironment();
  const { runsFolder } = workspaces;
  const pool = new WorkerPool({ runsFolder, size: concurrency, capBytes: maxLogBytes, baseEnv: inherited, logger });
  releases.push(() => pool.stop());
  await pool.start();
  const owner = newOwner();
  const { mailer, alerter } = buildMail(config, handlers, publicUrl);
  releases.push(() => briefly(mailer.close(), logger, "mail under way could not be put back; it is sent again later"));
  const queue = new Queue({ ...handlers, alerter, concurrency, owner });
  const unheld = "what runs could not be let go of; another service process finds it all the same";
  releases.push(() => briefly(queue.letGo(), logger, unheld));
  const stopper = new Stopper({ ...handlers, queue });
  const preparation = new Preparation({ ...handlers, inherited });
  const straySearch = new StraySearch({ ...handlers, queue, owner });
  const runner = new Runner({ ...handlers, queue, pool, stopper, straySearch, preparation });
  releases.push(() => runner.close());
  const dispatcher = new Dispatcher({ ...handlers, queue, runner, stopper, owner });
  releases.push(() => dispatcher.close());
  const scheduler = new Scheduler({ ...handlers, queue });
  releases.push(() => scheduler.close());
  const rescuer = new Rescuer({ ...handlers, queue, runner, stopper, owner });
  const start = async () => {
    dispatcher.start();
    await rescuer.start();
    await scheduler.look();
    const keyPruner = new KeyPruner(handlers);
    const stations = {
      runs: () => rescuer.look(),
      queue: () => dispatcher.look(),
      plan: () => scheduler.look(),
      strays: () => straySearch.look(),
      keys: () => keyPruner.look(),
      mail: () => mailer.look(),
    };
    const rounds = makeRounds(stations, logger);
    releases.push(() => rounds.close());
  };
  return { queue, scheduler, mailer, start };
}

function buildMail({ adminEmail, mail, publicUrl: address }: Config, handlers: Handlers, publicUrl: () => string) {
  const composer = new MailComposer({ ...handlers, publicUrl });
  const mailer = new Mailer({ ...handlers, composer, channel: mail && new MailChannel(mail) });
  const mailHost = address === null ? "batchline" : new URL(address).hostname;
  return { mailer, alerter: new Alerter({ ...handlers, mailer, administrator: adminEmail, mailHost }) };
}

/** Everything that happens because someone asks. */
function buildControllers(
  { concurrency, minIntervalMs }: Config,
  handlers: Handlers,
  jobs: { queue: Queue; scheduler: Scheduler; mailer: Mailer },
  folders: object,
): Controllers {
  const configs = new ConfigWriter(handlers);
  const replanning = new Replanning({ ...handlers, ...jobs });
  const enablement = new Enablement({ ...handlers, ...jobs });
  const edits = new ConfigEdit({ ...handlers, configs, replanning, enablement });
  const uploads = new UploadDesk(handlers);
  const registration = new Registration({ ...handlers, configs, replanning });
  const deletion = new Deletion({ ...handlers, ...jobs, enablement });
  const desk = { ...handlers, uploads, registration, edits, minIntervalMs };
  const batches = new BatchService({ ...desk, ...jobs, enablement, deletion });
  const executions = new ExecutionService({ ...handlers, ...jobs });
  const reading = new LogReading({ ...handlers, executions });
  const searching = new BatchLogSearching({ ...handlers, executions, reading });
  const chainRuns = new ChainRunService({ ...handlers, ...jobs, executions });
  const deliveries = new DeliveryService({ ...handlers, ...jobs });
  const plan = new PlanService({ ...handlers, batches });
  const versions = new VersionReading({ ...handlers, batches, comparer: new ArtifactComparer() });
  const why = new WhyService({ ...handlers, batches, executions, concurrency });
  const health = new HealthService({ ...handlers, folders: { ...folders } });
  return {
    batches: new BatchController({ batches, editing: new BatchEditing(desk) }),
    chains: new ChainController({ chains: new ChainService(desk) }),
    chainRuns: new ChainRunController({ chainRuns }),
    executions: new ExecutionController({ executions, rerun: new Rerun({ ...handlers, ...jobs }) }),
    logs: new LogController({ reading, searching }),
    deliveries: new DeliveryController({ deliveries }),
    plan: new PlanController({ plan, why }),
    pins: new PinController({ pins: new Pinning(handlers) }),
    versionUploads: new VersionUploadController({ versions: new VersionService(desk) }),
    versions: new VersionController({ versions }),
    health: new HealthController({ health }),
  };
}

/** A stop must not wait for a database that is out of reach: our end tells as much as our word. */
async function briefly(act: Promise<void>, logger: Logger, complaint: string): Promise<void> {
  const patience = delay(LET_GO_PATIENCE_MS, undefined, { ref: false });
  await Promise.race([act, patience]).catch((error: unknown) => logger.warn({ err: error }, complaint));
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
