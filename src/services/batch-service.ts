// Batches, for whoever asks: upload, read, run, enable, disable, delete.
import { In, type EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { findBatch, pageOfBatches } from "../database/batch-queries.js";
import type { Transaction } from "../database/transaction.js";
import { Artifact } from "../entities/artifact.js";
import { Batch } from "../entities/batch.js";
import type { Execution } from "../entities/execution.js";
import { Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { ArtifactStore } from "../handlers/artifact-store/artifact-store.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
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
import type { ReceivedFile, Registration } from "./registration.js";
import { readConfig } from "./upload-config.js";

interface Collaborators {
  database: Database;
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

  /** Makes a batch from one config and one archive, and plans it. */
  async create(config: string, file: ReceivedFile, actor: Actor): Promise<BatchDetails> {
    return this.upload(config, file, actor);
  }

  /** The same, as a successor of an existing batch. */
  async attach(reference: string, config: string, file: ReceivedFile, actor: Actor): Promise<BatchDetails> {
    const { batch } = await this.get(reference);
    return this.upload(config, file, actor, batch.id);
  }

  async get(reference: string | number): Promise<BatchDetails> {
    return this.with_.database.read(async (manager) => {
      const batch = await findBatch(manager, reference);
      const [details] = batch ? await this.details(manager, [batch]) : [];
      return details ?? noBatch(reference);
    });
  }

  /** Details of batches by id, in the given order. */
  async getAll(ids: number[]): Promise<BatchDetails[]> {
    return this.with_.database.read(async (manager) => {
      const rows = await manager.findBy(Batch, { id: In(ids) });
      return this.details(
        manager,
        ids.flatMap((id) => rows.filter((row) => row.id === id)),
      );
    });
  }

  /** One more than the limit, newest first, where there are as many. */
  async list(filter: BatchFilter): Promise<BatchDetails[]> {
    return this.with_.database.read(async (manager) => this.details(manager, await pageOfBatches(manager, filter)));
  }

  /** The archive in use, as it was uploaded. */
  async artifact(reference: string): Promise<{ file: string; artifact: Artifact }> {
    const artifact = await this.with_.database.read(async (manager) => {
      const batch = (await findBatch(manager, reference)) ?? noBatch(reference);
      return manager.findOneByOrFail(Artifact, { batchId: batch.id, version: batch.version });
    });
    return { file: this.with_.artifacts.zipFile(artifact.storageKey), artifact };
  }

  /** Asks for a run now, of this batch alone or with its successors. The overlap policy applies as to any run. */
  async run(reference: string, request: RunRequest, actor: Actor): Promise<Execution> {
    return this.with_.database.write(async (transaction) => {
      const batch = (await findBatch(transaction.manager, reference)) ?? noBatch(reference);
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
  async remove(reference: string, force: boolean, actor: Actor): Promise<void> {
    if (force) await this.with_.deletion.endAll(await this.idOf(reference), actor);
    await this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      const batch = (await findBatch(manager, reference, { lock: true })) ?? noBatch(reference);
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

  private async upload(text: string, file: ReceivedFile, actor: Actor, attachTo?: number): Promise<BatchDetails> {
    const config = readConfig(text, this.with_.clock.now());
    const place = { pointerOf: () => "", ...(attachTo === undefined ? {} : { attachTo }) };
    const { batchIds } = await this.with_.registration.register([{ config, file }], actor, place);
    return this.get(batchIds[0] ?? 0);
  }

  private async setDisabled(
    reference: string,
    disabledAt: number | null,
    { kind, actor, gap }: { kind: EventKind; actor: Actor; gap?: GapChoice },
  ) {
    const { database, enablement } = this.with_;
    const id = await database.write(async (transaction) => {
      const { manager } = transaction;
      const batch = (await findBatch(manager, reference)) ?? noBatch(reference);
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
    const batch = await this.with_.database.read((manager) => findBatch(manager, reference));
    return (batch ?? noBatch(reference)).id;
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

function noBatch(reference: string | number): never {
  throw new AppError("not_found", `There is no batch with the id or name "${reference}".`);
}
