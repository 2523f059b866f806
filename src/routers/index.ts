// The whole HTTP side: every URL table, behind the same manners.
import express, { type Express } from "express";
import helmet from "helmet";
import type { BatchController } from "../controllers/batch-controller.js";
import type { ChainRunController } from "../controllers/chain-run-controller.js";
import type { ChainController } from "../controllers/chain-controller.js";
import type { DeliveryController } from "../controllers/delivery-controller.js";
import type { EventController } from "../controllers/event-controller.js";
import type { EventStreamController } from "../controllers/event-stream-controller.js";
import type { ExecutionStreamController } from "../controllers/execution-stream-controller.js";
import type { ExecutionController } from "../controllers/execution-controller.js";
import type { HealthController } from "../controllers/health-controller.js";
import type { LinkController } from "../controllers/link-controller.js";
import type { TriggerController } from "../controllers/trigger-controller.js";
import type { LogController } from "../controllers/log-controller.js";
import type { PlanController } from "../controllers/plan-controller.js";
import { API } from "../controllers/reply.js";
import type { VersionUploadController } from "../controllers/version-upload-controller.js";
import type { VersionController } from "../controllers/version-controller.js";
import type { Logger } from "../handlers/logger.js";
import { batchRoutes } from "./batches.js";
import { chainRunRoutes } from "./chain-runs.js";
import { chainRoutes } from "./chains.js";
import { deliveryRoutes } from "./deliveries.js";
import { docsRouter } from "./docs.js";
import { eventRoutes } from "./events.js";
import { executionRoutes } from "./executions.js";
import { healthRoutes } from "./health.js";
import { logRoutes } from "./logs.js";
import { handleErrors, noSuchRoute } from "./middleware/errors.js";
import { openApiDocument } from "./openapi.js";
import { linkRoutes } from "./links.js";
import { triggerRoutes } from "./triggers.js";
import { planRoutes } from "./plan.js";
import { streamRoutes } from "./streams.js";
import { serve, type ServeOptions } from "./serve.js";
import { versionUploadRoutes } from "./version-uploads.js";
import { versionRoutes } from "./versions.js";

export interface Controllers {
  batches: BatchController;
  chains: ChainController;
  chainRuns: ChainRunController;
  executions: ExecutionController;
  logs: LogController;
  deliveries: DeliveryController;
  events: EventController;
  eventStreams: EventStreamController;
  executionStreams: ExecutionStreamController;
  plan: PlanController;
  links: LinkController;
  triggers: TriggerController;
  versionUploads: VersionUploadController;
  versions: VersionController;
  health: HealthController;
}

export interface HttpOptions extends ServeOptions {
  controllers: Controllers;
  logger: Logger;
  /** Where people reach the service; asked when needed, because the port may be settled late. */
  publicUrl: () => string;
}

/**
 * Nothing from outside, no framing. Of Helmet's defaults those are left out that would break the pages over plain HTTP:
 * its orders to fetch everything by HTTPS. Swagger UI sets styles from its script.
 */
const headers = helmet({
  contentSecurityPolicy: {
    directives: {
      "style-src": ["'self'", "'unsafe-inline'"],
      "font-src": ["'self'"],
      "frame-ancestors": ["'none'"],
      "upgrade-insecure-requests": null,
    },
  },
  strictTransportSecurity: false,
});

export function makeHttpApp({ controllers, logger, publicUrl, ...options }: HttpOptions): Express {
  const tables = [
    {
      prefix: API,
      routes: [
        ...batchRoutes(controllers.batches),
        ...versionRoutes(controllers.versions),
        ...chainRoutes(controllers.chains),
        ...chainRunRoutes(controllers.chainRuns),
        ...executionRoutes(controllers.executions),
        ...logRoutes(controllers.logs),
        ...deliveryRoutes(controllers.deliveries),
        // Before the events by id, among which "stream" is none.
        ...streamRoutes(controllers.eventStreams, controllers.executionStreams),
        ...eventRoutes(controllers.events),
        ...planRoutes(controllers.plan),
        ...triggerRoutes(controllers.triggers),
        ...linkRoutes(controllers.links),
        ...versionUploadRoutes(controllers.versionUploads),
      ],
    },
    { prefix: "", routes: healthRoutes(controllers.health) },
  ];
  const app = express();
  app.disable("x-powered-by");
  app.set("query parser", "simple");
  app.set("etag", false);
  app.use(headers);
  for (const { prefix, routes } of tables) {
    for (const route of routes) app[route.method](prefix + route.path, serve(route, options));
  }
  let document: object | undefined;
  app.get(`${API}/openapi.json`, (_request, response) => {
    document ??= openApiDocument(tables, publicUrl());
    response.json(document);
  });
  app.use("/api/docs", docsRouter());
  app.get("/", (_request, response) => response.redirect("/api/docs"));
  app.use(noSuchRoute);
  app.use(handleErrors(logger));
  return app;
}
