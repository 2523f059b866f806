// The typed HTTP client: what the tests, the demo and other programs use. Runs in browsers too.
import type { BatchView, ChainView, EnableRequest, LinkView } from "../models/batch.js";
import type { BatchConfigInput } from "../models/batch-config.js";
import type { ChainRunView } from "../models/chain-run.js";
import type { ExecutionView, RerunRequest, RunRequest } from "../models/execution.js";
import type { DeliveryStatus, DeliveryView } from "../models/delivery.js";
import type { GapView, PlannedRunsView } from "../models/plan.js";
import type { Page } from "../models/shapes.js";
import type { UploadReport } from "../models/upload.js";
import type { VersionDiffView, VersionFilesView, VersionView } from "../models/version.js";
import type { WhyView } from "../models/why.js";
import {
  chainOf,
  keyOf,
  uploadOf,
  type Archive,
  type EditOptions,
  type MakeOptions,
  type VersionOptions,
} from "./forms.js";
import { triggerCalls } from "./triggers.js";
import { Streams, type ExecutionStreamEvent, type StreamOptions } from "./streams.js";
import { Connection, type ConnectionOptions, type Query } from "./connection.js";
import { eventCalls } from "./events.js";
import { logCalls, type LogCalls } from "./logs.js";

export type { BatchView, ChainView, LinkView } from "../models/batch.js";
export type { ChainRunView } from "../models/chain-run.js";
export type { BatchConfigInput } from "../models/batch-config.js";
export type { Finding } from "../models/finding.js";
export type { FiringView, TriggerRequest, TriggerView } from "../models/trigger.js";
export type { UploadReport } from "../models/upload.js";
export type { ExecutionView, RerunRequest, RunRequest } from "../models/execution.js";
export type { DeliveryView } from "../models/delivery.js";
export type { GapView, PlannedRunsView, PlannedRunView } from "../models/plan.js";
export type { Page } from "../models/shapes.js";
export type { Problem } from "../models/problem.js";
export type { FileChange, VersionDiffView, VersionFilesView, VersionView } from "../models/version.js";
export type { WhyView } from "../models/why.js";
export type { EventStreamQuery, ExecutionStreamEvent, OutputPiece, StreamedEvent, StreamOptions } from "./streams.js";
export { ApiError } from "./connection.js";
export type { EventView } from "../models/event.js";
export type { EventListQuery } from "./events.js";
export type * from "./logs.js";
export type { Archive, EditOptions, MakeOptions, VersionOptions } from "./forms.js";

export interface BatchListQuery {
  enabled?: boolean;
  search?: string;
  limit?: number;
  cursor?: string;
}

export interface PageQuery {
  limit?: number;
  cursor?: string;
}

export interface ExecutionListQuery {
  /** Id or name. */
  batch?: string | number;
  chainRun?: number;
  /** Several with commas. */
  status?: string;
  /** What tests brought about is left out (0), the only thing shown (1), or among the others. */
  test?: "0" | "1" | "all";
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

function versionPath(batch: string | number, version: number): string {
  return `/batches/${encodeURIComponent(batch)}/versions/${version}`;
}

/** The keys of a config that change; null takes one away. */
export type BatchPatch = { [Key in keyof BatchConfigInput]?: BatchConfigInput[Key] | null };

/** A client of one service. Every call rejects with an ApiError that carries the service's own words. */
export class BatchlineClient {
  private readonly connection: Connection;
  private readonly streams: Streams;
  /** What starts work. */
  readonly triggers: ReturnType<typeof triggerCalls>;
  /** What has happened. */
  readonly events: ReturnType<typeof eventCalls>;
  readonly logs: LogCalls;

  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options);
    this.streams = new Streams(this.connection);
    this.triggers = triggerCalls(this.connection);
    this.events = eventCalls(this.connection, this.streams);
    this.logs = logCalls(this.connection);
  }

  readonly batches = {
    /** Uploads a batch: its zip and its config. */
    create: (archive: Archive, config: BatchConfigInput, options: MakeOptions = {}): Promise<BatchView> =>
      this.connection.send("POST", "/batches", uploadOf(archive, config), { headers: keyOf(options) }),
    /** Uploads a batch that runs after an existing one. */
    attach: (
      predecessor: string | number,
      archive: Archive,
      config: BatchConfigInput,
      options: MakeOptions = {},
    ): Promise<BatchView> =>
      this.connection.send(
        "POST",
        `/batches/${encodeURIComponent(predecessor)}/successors`,
        uploadOf(archive, config),
        { headers: keyOf(options) },
      ),
    /** Makes a batch from an export, under its name or another. */
    import: (file: Archive, { name, ...options }: MakeOptions & { name?: string } = {}): Promise<BatchView> => {
      const form = new FormData();
      if (name !== undefined) form.set("name", name);
      form.set("export", file instanceof Blob ? file : new Blob([file]), "batch.batchline.zip");
      return this.connection.send("POST", "/batches/import", form, { headers: keyOf(options) });
    },
    /** Everything that can be said of an upload, without keeping it. */
    check: (archive: Archive, config: BatchConfigInput): Promise<UploadReport> =>
      this.report("POST", "/batches", uploadOf(archive, config)),
    /** Changes what `patch` names of the config; null takes away. @param ifMatch the etag of the batch as it was read */
    edit: (id: string | number, patch: BatchPatch, { ifMatch }: EditOptions = {}): Promise<BatchView> =>
      this.connection.send("PATCH", `/batches/${encodeURIComponent(id)}`, patch, { headers: { "If-Match": ifMatch } }),
    list: (query: BatchListQuery = {}): Promise<Page<BatchView>> =>
      this.connection.send("GET", "/batches", undefined, { query: { ...query } }),
    /** By id or unique name. */
    get: (id: string | number): Promise<BatchView> => this.connection.send("GET", `/batches/${encodeURIComponent(id)}`),
    /** @param force what of it has not ended is ended first */
    remove: (id: string | number, { force = false } = {}): Promise<void> =>
      this.connection.send("DELETE", `/batches/${encodeURIComponent(id)}`, undefined, {
        query: force ? { force: 1 } : {},
      }),
    run: (id: string | number, request: RunRequest = {}, options: MakeOptions = {}): Promise<ExecutionView> =>
      this.connection.send("POST", `/batches/${encodeURIComponent(id)}/run`, request, { headers: keyOf(options) }),
    enable: (id: string | number, request: EnableRequest = {}): Promise<BatchView> =>
      this.connection.send("POST", `/batches/${encodeURIComponent(id)}/enable`, request),
    disable: (id: string | number): Promise<BatchView> =>
      this.connection.send("POST", `/batches/${encodeURIComponent(id)}/disable`),
    /** Why it ran, did not run, or will or will not run at an instant (ISO 8601 with zone); now if left out. */
    why: (id: string | number, at?: string): Promise<WhyView> =>
      this.connection.send("GET", `/batches/${encodeURIComponent(id)}/why`, undefined, { query: { at } }),
    /** The planned instants that have passed without a run while it was disabled. */
    gap: (id: string | number): Promise<GapView> =>
      this.connection.send("GET", `/batches/${encodeURIComponent(id)}/gap`),
    /** The zip as it was uploaded. */
    artifact: (id: string | number): Promise<Uint8Array> => this.bytes(`/batches/${encodeURIComponent(id)}/artifact`),
    /** The batch as one file, with the zip of this version; with the active one's if left out. */
    export: (id: string | number, version?: number): Promise<Uint8Array> =>
      this.bytes(`/batches/${encodeURIComponent(id)}/export`, { version }),
  };

  /** What was uploaded for a batch, by the batch (id or name) and the version's number. */
  readonly versions = {
    /** Uploads another version of a batch; what it has already is recognised. */
    create: (
      batch: string | number,
      archive: Archive,
      { config, activate = true, ...options }: VersionOptions = {},
    ): Promise<VersionView> => {
      const form = new FormData();
      if (config) form.set("config", JSON.stringify(config));
      form.set("batch", archive instanceof Blob ? archive : new Blob([archive]), "batch.zip");
      const query = activate ? {} : { activate: 0 };
      const headers = { ...keyOf(options), "If-Match": options.ifMatch };
      return this.connection.send("POST", `/batches/${encodeURIComponent(batch)}/versions`, form, { query, headers });
    },
    /** Uses this version from now on. @param config true: with the config that was in use when it was uploaded */
    activate: (batch: string | number, version: number, { config = false } = {}): Promise<BatchView> =>
      this.connection.send("POST", `/batches/${encodeURIComponent(batch)}/versions/${version}/activate`, { config }),
    list: (batch: string | number, query: PageQuery = {}): Promise<Page<VersionView>> =>
      this.connection.send("GET", `/batches/${encodeURIComponent(batch)}/versions`, undefined, { query: { ...query } }),
    get: (batch: string | number, version: number): Promise<VersionView> =>
      this.connection.send("GET", versionPath(batch, version)),
    /** The zip as it was uploaded. */
    artifact: (batch: string | number, version: number): Promise<Uint8Array> =>
      this.bytes(`${versionPath(batch, version)}/artifact`),
    files: (batch: string | number, version: number): Promise<VersionFilesView> =>
      this.connection.send("GET", `${versionPath(batch, version)}/files`),
    /** One file of it, by its path in `files`. */
    file: (batch: string | number, version: number, path: string): Promise<Uint8Array> =>
      this.bytes(`${versionPath(batch, version)}/files/${path.split("/").map(encodeURIComponent).join("/")}`),
    /** What changed from this version to another; to the active one if left out. */
    diff: (batch: string | number, version: number, to?: number): Promise<VersionDiffView> =>
      this.connection.send("GET", `${versionPath(batch, version)}/diff`, undefined, { query: { to } }),
    /** The same as one unified diff. */
    patch: (batch: string | number, version: number, to?: number): Promise<string> =>
      this.text(`${versionPath(batch, version)}/diff`, { to, format: "patch" }),
  };

  readonly chains = {
    /** Uploads several batches at once: each config names its archive by `script`. */
    create: (
      archives: Record<string, Archive>,
      configs: BatchConfigInput[],
      options: MakeOptions = {},
    ): Promise<ChainView> =>
      this.connection.send("POST", "/chains", chainOf(archives, configs), { headers: keyOf(options) }),
    /** Everything that can be said of an upload, without keeping it. */
    check: (archives: Record<string, Archive>, configs: BatchConfigInput[]): Promise<UploadReport> =>
      this.report("POST", "/chains", chainOf(archives, configs)),
  };

  readonly links = {
    get: (id: number): Promise<LinkView> => this.connection.send("GET", `/links/${id}`),
    /** @param version null: whichever is active */
    pin: (id: number, version: number | null): Promise<LinkView> =>
      this.connection.send("PATCH", `/links/${id}`, { version }),
  };

  readonly chainRuns = {
    get: (id: number): Promise<ChainRunView> => this.connection.send("GET", `/chain-runs/${id}`),
    cancel: (id: number): Promise<ChainRunView> => this.connection.send("POST", `/chain-runs/${id}/cancel`),
  };

  readonly plannedRuns = {
    /** What should run in a window, beside what did run; oldest first. */
    list: (query: PlannedRunsQuery = {}): Promise<PlannedRunsView> =>
      this.connection.send("GET", "/planned-runs", undefined, { query: { ...query } }),
  };

  readonly executions = {
    list: (query: ExecutionListQuery = {}): Promise<Page<ExecutionView>> =>
      this.connection.send("GET", "/executions", undefined, { query: { ...query } }),
    get: (id: number): Promise<ExecutionView> => this.connection.send("GET", `/executions/${id}`),
    cancel: (id: number): Promise<ExecutionView> => this.connection.send("POST", `/executions/${id}/cancel`),
    /** Once more, as it was or with the latest version. */
    rerun: (id: number, request: RerunRequest = {}, options: MakeOptions = {}): Promise<ExecutionView> =>
      this.connection.send("POST", `/executions/${id}/rerun`, request, { headers: keyOf(options) }),
    /** Standard output as text. */
    log: (id: number, query: LogQuery = {}): Promise<string> => this.text(`/executions/${id}/log`, { ...query }),
    /** Standard error as text. */
    errorLog: (id: number, query: LogQuery = {}): Promise<string> =>
      this.text(`/executions/${id}/error-log`, { ...query }),
    /** The log as it grows, chunk by chunk, up to the end of the attempt; whatever happens to the connection. */
    follow: (id: number, signal?: AbortSignal): AsyncGenerator<string> => this.streams.log(id, signal),
    /** Its status, progress and output as they come, up to its end; whatever happens to the connection. */
    stream: (id: number, options?: StreamOptions): AsyncGenerator<ExecutionStreamEvent> =>
      this.streams.execution(id, options),
  };

  /** Mail about executions, and what became of it. */
  readonly deliveries = {
    list: (query: DeliveryListQuery = {}): Promise<Page<DeliveryView>> =>
      this.connection.send("GET", "/deliveries", undefined, { query: { ...query } }),
    get: (id: number): Promise<DeliveryView> => this.connection.send("GET", `/deliveries/${id}`),
    /** Tries one that was not sent again at once, and for another day. */
    retry: (id: number): Promise<DeliveryView> => this.connection.send("POST", `/deliveries/${id}/retry`),
  };

  /** A dry run: its report comes with 200, or with 422 if the upload would be refused. */
  private async report(method: string, path: string, body: unknown): Promise<UploadReport> {
    return this.connection.send(method, path, body, { query: { dryRun: 1 }, alsoOk: [422] });
  }

  private async bytes(path: string, query: Query = {}): Promise<Uint8Array> {
    const response = await this.connection.request("GET", path, undefined, { query });
    return new Uint8Array(await response.arrayBuffer());
  }

  private async text(path: string, query: Query): Promise<string> {
    return (await this.connection.request("GET", path, undefined, { query })).text();
  }
}
