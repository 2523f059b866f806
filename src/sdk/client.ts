// The typed HTTP client: what the tests, the demo and other programs use. Runs in browsers too.
import type { BatchView, ChainView, EnableRequest } from "../models/batch.js";
import type { BatchConfigInput } from "../models/batch-config.js";
import type { ChainRunView } from "../models/chain-run.js";
import type { DeliveryStatus, DeliveryView } from "../models/delivery.js";
import type { ExecutionView, RunRequest } from "../models/execution.js";
import type { GapView, PlannedRunsView } from "../models/plan.js";
import type { Page } from "../models/shapes.js";
import type { WhyView } from "../models/why.js";
import { Connection, type ConnectionOptions, type Query } from "./connection.js";

export type { BatchView, ChainView, LinkView } from "../models/batch.js";
export type { ChainRunView } from "../models/chain-run.js";
export type { BatchConfigInput } from "../models/batch-config.js";
export type { DeliveryView } from "../models/delivery.js";
export type { ExecutionView, RunRequest } from "../models/execution.js";
export type { GapView, PlannedRunsView, PlannedRunView } from "../models/plan.js";
export type { Page, Problem } from "../models/shapes.js";
export type { WhyView } from "../models/why.js";
export { ApiError } from "./connection.js";

/** Anything that holds a zip. */
export type Archive = Blob | Uint8Array<ArrayBuffer>;

export interface BatchListQuery {
  enabled?: boolean;
  search?: string;
  limit?: number;
  cursor?: string;
}

export interface ExecutionListQuery {
  /** Id or name. */
  batch?: string | number;
  chainRun?: number;
  /** Several with commas. */
  status?: string;
  from?: string;
  to?: string;
  limit?: number;
  cursor?: string;
}

export interface DeliveryListQuery {
  status?: DeliveryStatus;
  /** Id or name. */
  batch?: string | number;
  execution?: number;
  limit?: number;
  cursor?: string;
}

export interface PlannedRunsQuery {
  /** Instants, ISO 8601 with zone; now, and 24 hours later, if left out. */
  from?: string;
  to?: string;
  /** Id or name. */
  batch?: string | number;
  limit?: number;
  cursor?: string;
}

export interface LogQuery {
  /** Only the last so many lines. */
  tail?: number;
  /** Of this attempt; of the latest if left out. */
  attempt?: number;
}

function upload(config: unknown, part: string, archives: { name: string; archive: Archive }[]): FormData {
  const form = new FormData();
  form.set("config", JSON.stringify(config));
  for (const { name, archive } of archives) {
    form.append(part, archive instanceof Blob ? archive : new Blob([archive]), name);
  }
  return form;
}

/** A client of one service. Every call rejects with an ApiError that carries the service's own words. */
export class BatchlineClient {
  private readonly connection: Connection;

  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options);
  }

  readonly batches = {
    /** Uploads a batch: its zip and its config. */
    create: (archive: Archive, config: BatchConfigInput): Promise<BatchView> =>
      this.connection.send("POST", "/batches", upload(config, "batch", [{ name: `${config.name}.zip`, archive }])),
    /** Uploads a batch that runs after an existing one. */
    attach: (predecessor: string | number, archive: Archive, config: BatchConfigInput): Promise<BatchView> =>
      this.connection.send(
        "POST",
        `/batches/${encodeURIComponent(predecessor)}/successors`,
        upload(config, "batch", [{ name: `${config.name}.zip`, archive }]),
      ),
    list: (query: BatchListQuery = {}): Promise<Page<BatchView>> =>
      this.connection.send("GET", "/batches", undefined, { ...query }),
    /** By id or unique name. */
    get: (id: string | number): Promise<BatchView> => this.connection.send("GET", `/batches/${encodeURIComponent(id)}`),
    /** @param force what of it has not ended is ended first */
    remove: (id: string | number, { force = false } = {}): Promise<void> =>
      this.connection.send("DELETE", `/batches/${encodeURIComponent(id)}`, undefined, force ? { force: 1 } : {}),
    run: (id: string | number, request: RunRequest = {}): Promise<ExecutionView> =>
      this.connection.send("POST", `/batches/${encodeURIComponent(id)}/run`, request),
    enable: (id: string | number, request: EnableRequest = {}): Promise<BatchView> =>
      this.connection.send("POST", `/batches/${encodeURIComponent(id)}/enable`, request),
    disable: (id: string | number): Promise<BatchView> =>
      this.connection.send("POST", `/batches/${encodeURIComponent(id)}/disable`),
    /** Why it ran, did not run, or will or will not run at an instant (ISO 8601 with zone); now if left out. */
    why: (id: string | number, at?: string): Promise<WhyView> =>
      this.connection.send("GET", `/batches/${encodeURIComponent(id)}/why`, undefined, { at }),
    /** The planned instants that have passed without a run while it was disabled. */
    gap: (id: string | number): Promise<GapView> =>
      this.connection.send("GET", `/batches/${encodeURIComponent(id)}/gap`),
    /** The zip as it was uploaded. */
    artifact: async (id: string | number): Promise<Uint8Array> => {
      const response = await this.connection.request("GET", `/batches/${encodeURIComponent(id)}/artifact`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };

  readonly chains = {
    /** Uploads several batches at once: each config names its archive by `script`. */
    create: (archives: Record<string, Archive>, configs: BatchConfigInput[]): Promise<ChainView> => {
      const files = Object.entries(archives).map(([name, archive]) => ({ name, archive }));
      return this.connection.send("POST", "/chains", upload(configs, "batches", files));
    },
  };

  readonly chainRuns = {
    get: (id: number): Promise<ChainRunView> => this.connection.send("GET", `/chain-runs/${id}`),
    cancel: (id: number): Promise<ChainRunView> => this.connection.send("POST", `/chain-runs/${id}/cancel`),
  };

  readonly plannedRuns = {
    /** What should run in a window, beside what did run; oldest first. */
    list: (query: PlannedRunsQuery = {}): Promise<PlannedRunsView> =>
      this.connection.send("GET", "/planned-runs", undefined, { ...query }),
  };

  readonly executions = {
    list: (query: ExecutionListQuery = {}): Promise<Page<ExecutionView>> =>
      this.connection.send("GET", "/executions", undefined, { ...query }),
    get: (id: number): Promise<ExecutionView> => this.connection.send("GET", `/executions/${id}`),
    cancel: (id: number): Promise<ExecutionView> => this.connection.send("POST", `/executions/${id}/cancel`),
    /** Standard output as text. */
    log: (id: number, query: LogQuery = {}): Promise<string> => this.text(`/executions/${id}/log`, { ...query }),
    /** Standard error as text. */
    errorLog: (id: number, query: LogQuery = {}): Promise<string> =>
      this.text(`/executions/${id}/error-log`, { ...query }),
    /** The log as it grows, chunk by chunk, up to the end of the execution. */
    follow: (id: number, signal?: AbortSignal): AsyncGenerator<string> =>
      this.connection.stream(`/executions/${id}/log`, { follow: 1 }, signal),
  };

  /** Mail about executions, and what became of it. */
  readonly deliveries = {
    list: (query: DeliveryListQuery = {}): Promise<Page<DeliveryView>> =>
      this.connection.send("GET", "/deliveries", undefined, { ...query }),
    get: (id: number): Promise<DeliveryView> => this.connection.send("GET", `/deliveries/${id}`),
    /** Tries one that was not sent again at once, and for another day. */
    retry: (id: number): Promise<DeliveryView> => this.connection.send("POST", `/deliveries/${id}/retry`),
  };

  private async text(path: string, query: Query): Promise<string> {
    return (await this.connection.request("GET", path, undefined, query)).text();
  }
}
