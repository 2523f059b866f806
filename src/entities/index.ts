// Every entity, for the data source.
import { ApiToken } from "./api-token.js";
import { Artifact } from "./artifact.js";
import { Attempt } from "./attempt.js";
import { Batch } from "./batch.js";
import { ChainRun } from "./chain-run.js";
import { ConfigRevision } from "./config-revision.js";
import { Delivery } from "./delivery.js";
import { Event } from "./event.js";
import { Execution } from "./execution.js";
import { IdempotencyKey } from "./idempotency-key.js";
import { Link } from "./link.js";
import { ServiceState } from "./service-state.js";
import { Trigger } from "./trigger.js";

export const ENTITIES = [
  ApiToken,
  Artifact,
  Attempt,
  Batch,
  ChainRun,
  ConfigRevision,
  Delivery,
  Event,
  Execution,
  IdempotencyKey,
  Link,
  ServiceState,
  Trigger,
];
