// What happens because someone asks, put together: the services, and the controllers in front of them.
import type { Config } from "./config.js";
import { BatchController } from "./controllers/batch-controller.js";
import { ChainRunController } from "./controllers/chain-run-controller.js";
import { ChainController } from "./controllers/chain-controller.js";
import { DeliveryController } from "./controllers/delivery-controller.js";
import { EventController } from "./controllers/event-controller.js";
import { EventService } from "./services/event-service.js";
import { EventStreamController } from "./controllers/event-stream-controller.js";
import { ExecutionStreamController } from "./controllers/execution-stream-controller.js";
import { ExecutionController } from "./controllers/execution-controller.js";
import { HealthController } from "./controllers/health-controller.js";
import { LinkController } from "./controllers/link-controller.js";
import { LogController } from "./controllers/log-controller.js";
import { BatchLogSearching } from "./services/batch-log-searching.js";
import { LogReading } from "./services/log-reading.js";
import { PlanController } from "./controllers/plan-controller.js";
import { VersionUploadController } from "./controllers/version-upload-controller.js";
import { VersionController } from "./controllers/version-controller.js";
import { ArtifactComparer } from "./handlers/artifact-store/artifact-diff.js";
import type { EventFeed } from "./jobs/event-feed.js";
import type { Mailer } from "./jobs/mailer.js";
import type { Queue } from "./jobs/queue.js";
import type { Scheduler } from "./jobs/scheduler.js";
import { type Controllers } from "./routers/index.js";
import { BatchEditing } from "./services/batch-editing.js";
import { BatchService } from "./services/batch-service.js";
import { ChainRunService } from "./services/chain-run-service.js";
import { ChainService } from "./services/chain-service.js";
import { ConfigEdit } from "./services/config-edit.js";
import { ConfigWriter } from "./services/config-writer.js";
import { Deletion } from "./services/deletion.js";
import { DeliveryService } from "./services/delivery-service.js";
import { Enablement } from "./services/enablement.js";
import { EventStreams } from "./services/event-streams.js";
import { ExecutionStreams } from "./services/execution-streams.js";
import { ExecutionService } from "./services/execution-service.js";
import { HealthService } from "./services/health-service.js";
import { LinkPinning } from "./services/link-pinning.js";
import { TriggerController } from "./controllers/trigger-controller.js";
import { TriggerFiring } from "./services/trigger-firing.js";
import { TriggerKeys } from "./services/trigger-keys.js";
import { TriggerService } from "./services/trigger-service.js";
import { PlanService } from "./services/plan-service.js";
import { Registration } from "./services/registration.js";
import { Replanning } from "./services/replanning.js";
import { Rerun } from "./services/rerun.js";
import { StreamSeats } from "./services/stream-seats.js";
import { UploadDesk } from "./services/upload-desk.js";
import { VersionService } from "./services/version-service.js";
import { VersionReading } from "./services/version-reading.js";
import { WhyService } from "./services/why-service.js";
import type { Handlers } from "./app.js";

/** How many streams one user or token may have open at once in this process. */
const MAX_STREAMS = 50;

/** Everything that happens because someone asks. */
export function buildControllers(
  { concurrency, maxQueued, minIntervalMs }: Config,
  handlers: Handlers,
  jobs: { queue: Queue; scheduler: Scheduler; mailer: Mailer; feed: EventFeed },
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
  const chainRuns = new ChainRunService({ ...handlers, ...jobs, executions });
  const reading = new LogReading({ ...handlers, executions });
  const searching = new BatchLogSearching({ ...handlers, executions, reading });
  const deliveries = new DeliveryService({ ...handlers, ...jobs });
  const plan = new PlanService({ ...handlers, batches });
  const versions = new VersionReading({ ...handlers, batches, comparer: new ArtifactComparer() });
  const why = new WhyService({ ...handlers, batches, executions, concurrency });
  const triggers = new TriggerService({ ...desk, ...jobs, replanning });
  const firing = new TriggerFiring({ ...handlers, ...jobs, maxQueued });
  const health = new HealthService({ ...handlers, folders: { ...folders } });
  const seats = new StreamSeats(MAX_STREAMS);
  return {
    batches: new BatchController({ batches, editing: new BatchEditing(desk) }),
    chains: new ChainController({ chains: new ChainService(desk) }),
    chainRuns: new ChainRunController({ chainRuns }),
    executions: new ExecutionController({ executions, rerun: new Rerun({ ...handlers, ...jobs }) }),
    triggers: new TriggerController({ triggers, firing, executions, keys: new TriggerKeys(handlers) }),
    events: new EventController({ events: new EventService(handlers) }),
    logs: new LogController({ reading, searching }),
    deliveries: new DeliveryController({ deliveries }),
    eventStreams: new EventStreamController({ eventStreams: new EventStreams({ ...handlers, ...jobs, seats }) }),
    executionStreams: new ExecutionStreamController({
      executionStreams: new ExecutionStreams({ ...handlers, ...jobs, executions, seats }),
    }),
    plan: new PlanController({ plan, why }),
    links: new LinkController({ pins: new LinkPinning(handlers) }),
    versionUploads: new VersionUploadController({ versions: new VersionService(desk) }),
    versions: new VersionController({ versions }),
    health: new HealthController({ health }),
  };
}
