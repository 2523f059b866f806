// Batches, for whoever asks: upload, read, edit, run, enable, disable, delete.
import type { EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { pageOfBatches } from "../database/batch-queries.js";
import type { Transaction } from "../database/transaction.js";
import { Artifact } from "../entities/artifact.js";
import { Batch } from "../entities/batch.js";
import type { Execution } from "../entities/execution.js";
import { Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { ArtifactStore, ReceivedFile, StoredArtifact } from "../handlers/artifact-store/artifact-store.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import { readExportFile } from "../handlers/export-file.js";
import type { Logger } from "../handlers/logger.js";
import type { Workspaces } from "../handlers/workspace.js";
import { activeByBatch } from "../jobs/admission.js";
import type { Queue } from "../jobs/queue.js";
import type { Scheduler } from "../jobs/scheduler.js";
import type { Actor } from "../models/actor.js";
import type { BatchFilter, GapChoice } from "../models/batch.js";
import type { EventKind } from "../models/event.js";
import type { RunRequest } from "../models/execution.js";
import { batchDetails, type BatchDetails } from "./batch-details.js";
import type { Deletion } from "./deletion.js";
import type { Enablement } from "./enablement.js";
import type { Conclude } from "./idempotency-service.js";
import { batchEtag, namedBatch, noBatch, refuseStale } from "./named-batch.js";
import type { Registered, Registration } from "./registration.js";
import { readConfig } from "./upload-config.js";
import type { Circumstances, UploadDesk, UploadOrder, UploadOutcome } from "./upload-desk.js";

/** An upload of one new batch. */
export interface BatchUpload {
  /** JSON text. */
  config: string;
  file: ReceivedFile;
  /** Id or name of an existing batch that it follows. */
  after?: string;
}

/** An upload of an export. */
export interface BatchImport {
  file: ReceivedFile;
  /** The name to give it; left out: the one that it had. */
  name: string | undefined;
}

interface Removal {
  force: boolean;
  /** The header If-Match. */
  ifMatch: string | undefined;
  actor: Actor;
}

interface Collaborators {
  database: Database;
  uploads: UploadDesk;
  /** The shortest time between two planned runs. */
  minIntervalMs: number;
  registration: Registration;
  enablement: Enablement;
  deletion: Deletion;
  scheduler: Scheduler;
  queue: Queue;
  artifacts: ArtifactStore;
  workspaces: Workspaces;
  events: EventLog;
  clock: Clock;
  logger: Logger;
}

export class BatchService {
  constructor(private readonly with_: Collaborators) {}

  /**
   * Makes a batch from one config and one archive, and plans it.
   *
   * @param after an existing batch that it follows
   */
  async create(
    { config, file, after }: BatchUpload,
    circumstances: Circumstances<BatchDetails>,
  ): Promise<UploadOutcome<BatchDetails>> {
    const { clock, minIntervalMs, registration, uploads } = this.with_;
    const attachTo = after === undefined ? {} : { attachTo: await this.idOf(after) };
    const place = { pointerOf: () => "", ...attachTo };
    const read = readConfig(config, { now: clock.now(), minIntervalMs });
    const order = registration.order({ read, archives: [file], place, actor: circumstances.actor });
    return uploads.handle(onlyBatch(order), circumstances);
  }

  /** Makes a batch from an export of one, under its name or another. */
  async import(
    { file, name }: BatchImport,
    circumstances: Circumstances<BatchDetails>,
  ): Promise<UploadOutcome<BatchDetails>> {
    const { config, archive } = await readExportFile(file.path, () => this.with_.artifacts.newUpload());
    return this.create({ config: name === undefined ? config : renamed(config, name), file: archive }, circumstances);
  }

  async get(reference: string | number): Promise<BatchDetails> {
    return this.with_.database.read(async (manager) => {
      const [details] = await this.details(manager, [await namedBatch(manager, reference)]);
      return details ?? noBatch(reference);
    });
  }

  /** One more than the limit, newest first, where there are as many. */
  async list(filter: BatchFilter): Promise<BatchDetails[]> {
    return this.with_.database.read(async (manager) => this.details(manager, await pageOfBatches(manager, filter)));
  }

  /** Asks for a run now, of this batch alone or with its successors. The overlap policy applies as to any run. */
  async run(
    reference: string,
    request: RunRequest,
    { actor, conclude }: { actor: Actor; conclude: Conclude<Execution> },
  ): Promise<Execution> {
    return this.with_.database.write(async (transaction) => {
      const batch = await namedBatch(transaction.manager, reference);
      const [execution] = await this.with_.queue.enqueue(transaction, [
        {
          batch,
          source: actor.kind === "user" ? "person" : "api",
          actor,
          args: request.args,
          payload: request.payload === undefined ? undefined : JSON.stringify(request.payload),
          ...(request.successors ? { chain: "start" as const } : {}),
        },
      ]);
      if (!execution) throw new AppError("internal", "No execution was made.");
      await conclude(transaction, execution);
      return execution;
    });
  }

  /** Withdraws a batch and everything after it from scheduling. Once more is no fault; running scripts go on. */
  async disable(reference: string, actor: Actor): Promise<BatchDetails> {
    return this.setDisabled(reference, this.with_.clock.now(), { kind: "batch.disabled", actor });
  }

  /**
   * Restores a batch, and what was withdrawn with it.
   *
   * @param gap which occurrences of the pause run after all
   * @throws AppError `conflict` if a batch before it is disabled, or the pause has too many occurrences
   */
  async enable(reference: string, gap: GapChoice, actor: Actor): Promise<BatchDetails> {
    return this.setDisabled(reference, null, { kind: "batch.enabled", actor, gap });
  }

  /**
   * Deletes a batch with its versions, trigger and links. Its executions and their logs stay.
   *
   * @param force what of it has not ended is ended first; waits for that
   * @throws AppError `conflict` if an execution of it has not ended
   */
  async remove(reference: string, { force, ifMatch, actor }: Removal): Promise<void> {
    if (force) await this.with_.deletion.endAll(await this.idOf(reference), actor);
    await this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      const batch = await namedBatch(manager, reference, { lock: true });
      refuseStale(batchEtag(batch), ifMatch);
      const [active] = (await activeByBatch(manager, [batch.id])).get(batch.id) ?? [];
      if (active) {
        const message = `Execution ${active.id ?? ""} of "${batch.name}" has not ended; wait for it, cancel it, or delete with force=1.`;
        throw new AppError("conflict", message, { reason: "batch_running" });
      }
      const artifacts = await manager.findBy(Artifact, { batchId: batch.id });
      const triggers = await manager.findBy(Trigger, { batchId: batch.id });
      await this.with_.scheduler.disarm(
        transaction,
        triggers.map(({ id }) => id),
      );
      await manager.delete(Batch, { id: batch.id });
      await this.with_.enablement.settle(transaction);
      await this.logEvent(transaction, "batch.deleted", batch, actor);
      transaction.afterCommit(() => this.removeFiles(batch, artifacts));
    });
  }

  private details(manager: EntityManager, batches: Batch[]): Promise<BatchDetails[]> {
    return batchDetails(manager, batches, this.with_.clock.now());
  }

  private async setDisabled(
    reference: string,
    disabledAt: number | null,
    { kind, actor, gap }: { kind: EventKind; actor: Actor; gap?: GapChoice },
  ) {
    const { database, enablement } = this.with_;
    const id = await database.write(async (transaction) => {
      const { manager } = transaction;
      const batch = await namedBatch(manager, reference);
      if ((batch.disabledAt === null) !== (disabledAt === null)) {
        await manager.update(Batch, { id: batch.id }, { disabledAt });
        await this.logEvent(transaction, kind, batch, actor);
      }
      await enablement.settle(transaction, gap && { choice: gap, actor });
      if (disabledAt === null) await enablement.refuseBehindDisabled(transaction, batch);
      return batch.id;
    });
    return this.get(id);
  }

  private async idOf(reference: string): Promise<number> {
    return (await this.with_.database.read((manager) => namedBatch(manager, reference))).id;
  }

  private async logEvent(transaction: Transaction, kind: EventKind, batch: Batch, actor: Actor): Promise<void> {
    const subject = { type: "batch" as const, id: batch.id, name: batch.name };
    await this.with_.events.append(transaction, { kind, subject, source: "api", actor });
  }

  private removeFiles(batch: Batch, artifacts: Artifact[]): void {
    const { artifacts: store, workspaces, logger } = this.with_;
    const removals = [...artifacts.map(({ storageKey }) => store.remove(storageKey)), workspaces.removeState(batch.id)];
    Promise.all(removals).catch((error: unknown) => logger.warn({ err: error, batch: batch.id }, "files were left"));
  }
}

/** A config under another name; what is no object is left for the checks to complain of. */
function renamed(config: string, name: string): string {
  const document: unknown = JSON.parse(config);
  return typeof document === "object" && !Array.isArray(document) ? JSON.stringify({ ...document, name }) : config;
}

/** An upload of one batch, of which the one batch is the result. */
function onlyBatch(order: UploadOrder<Registered>): UploadOrder<BatchDetails> {
  const check = async (transaction: Transaction) => {
    const checked = await order.check(transaction);
    const write = async (artifacts: StoredArtifact[]) => {
      const { result, ...written } = await checked.write(artifacts);
      return { ...written, result: result.batches[0] ?? noBatch("") };
    };
    return { ...checked, write };
  };
  return { ...order, check };
}
