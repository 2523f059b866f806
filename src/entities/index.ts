// Every entity, for the data source.
import { ApiToken } from "./api-token.js";
import { Artifact } from "./artifact.js";
import { Attempt } from "./attempt.js";
import { Batch } from "./batch.js";
import { ChainRun } from "./chain-run.js";
import { Event } from "./event.js";
import { Execution } from "./execution.js";
import { Link } from "./link.js";
import { ServiceState } from "./service-state.js";
import { Trigger } from "./trigger.js";

export const ENTITIES = [ApiToken, Artifact, Attempt, Batch, ChainRun, Event, Execution, Link, ServiceState, Trigger];
