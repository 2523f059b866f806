// Every entity, for the data source.
import { ApiToken } from "./api-token.js";
import { Artifact } from "./artifact.js";
import { Batch } from "./batch.js";
import { ChainRun } from "./chain-run.js";
import { Event } from "./event.js";
import { Execution } from "./execution.js";
import { Link } from "./link.js";
import { Trigger } from "./trigger.js";

export const ENTITIES = [ApiToken, Artifact, Batch, ChainRun, Event, Execution, Link, Trigger];
