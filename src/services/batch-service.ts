// Batches, for whoever asks: upload, read, run, enable, disable, delete.
import { In, type EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { findBatch, pageOfBatches } from "../database/batch-queries.js";
import { lockedForUpdate } from "../database/locks.js";
import type { Transaction } from "../database/transaction.js";
import { Artifact } from "../entities/artifact.js";
import { Batch } from "../entities/batch.js";
import type { Execution } from "../entities/execution.js";
import { Link } from "../entities/link.js";
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
import type { BatchFilter } from "../models/batch.js";
import { ancestors, withdrawn } from "../models/chain.js";
import type { EventKind } from "../models/event.js";
import type { RunRequest } from "../models/execution.js";
import { batchDetails, type BatchDetails } from "./batch-details.js";
import type { ReceivedFile, Registration } from "./registration.js";
import { readConfig } from "./upload-config.js";

interface Collaborators {
  database: Database;
  registration: Registration;
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
    return this.setDisabled(reference, this.with_.clock.now(), "batch.disabled", actor);
  }

  /** Restores a batch, and what was withdrawn with it. @throws AppError `conflict` if a batch before it is disabled */
  async enable(reference: string, actor: Actor): Promise<BatchDetails> {
    return this.setDisabled(reference, null, "batch.enabled", actor);
  }

  /** Deletes a batch with its versions, trigger and links. Its executions and their logs stay. */
  async remove(reference: string, actor: Actor): Promise<void> {
    await this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      const batch = (await findBatch(manager, reference)) ?? noBatch(reference);
      const [active] = (await activeByBatch(manager, [batch.id])).get(batch.id) ?? [];
      if (active) {
        const message = `Execution ${active.id ?? ""} of "${batch.name}" has not ended; wait for it or cancel it first.`;
        throw new AppError("conflict", message, { reason: "batch_running" });
      }
      const artifacts = await manager.findBy(Artifact, { batchId: batch.id });
      const triggers = await manager.findBy(Trigger, { batchId: batch.id });
      await this.with_.scheduler.disarm(
        transaction,
        triggers.map(({ id }) => id),
      );
      await manager.delete(Batch, { id: batch.id });
      await this.settleEnabled(transaction);
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

  private async setDisabled(reference: string, disabledAt: number | null, kind: EventKind, actor: Actor) {
    const id = await this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      const batch = (await findBatch(manager, reference)) ?? noBatch(reference);
      if ((batch.disabledAt === null) !== (disabledAt === null)) {
        await manager.update(Batch, { id: batch.id }, { disabledAt });
        await this.logEvent(transaction, kind, batch, actor);
      }
      await this.settleEnabled(transaction);
      if (disabledAt === null) await refuseBehindDisabled(transaction, batch);
      return batch.id;
    });
    return this.get(id);
  }

  /**
   * Brings `enabled` of every batch in line with who is disabled and what comes after whom, and the plan with that.
   * On a server it locks all batches: two changes of the graph at once must not each miss the other.
   */
  private async settleEnabled(transaction: Transaction): Promise<void> {
    const { manager } = transaction;
    const select = { id: true, disabledAt: true, enabled: true, revision: true } as const;
    const batches = await manager.find(Batch, { select, ...lockedForUpdate(manager) });
    const disabled = batches.filter((batch) => batch.disabledAt !== null).map((batch) => batch.id);
    const out = withdrawn(disabled, await manager.find(Link));
    const changed = batches.filter((batch) => batch.enabled === out.has(batch.id));
    if (changed.length === 0) return;
    const updatedAt = this.with_.clock.now();
    for (const { id, enabled, revision } of changed) {
      await manager.update(Batch, { id }, { enabled: !enabled, revision: revision + 1, updatedAt });
    }
    const triggers = await manager.findBy(Trigger, { batchId: In(changed.map(({ id }) => id)) });
    const [gone, back] = [triggers.filter((t) => out.has(t.batchId)), triggers.filter((t) => !out.has(t.batchId))];
    if (gone.length > 0)
      await this.with_.scheduler.disarm(
        transaction,
        gone.map(({ id }) => id),
      );
    // A single instant that has passed meanwhile stays unplanned: there is nothing left to enable.
    await this.with_.scheduler.arm(transaction, back, { orNever: true });
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

async function refuseBehindDisabled({ manager }: Transaction, batch: Batch): Promise<void> {
  const before = ancestors(batch.id, await manager.find(Link));
  const disabled = (await manager.findBy(Batch, { id: In([...before]) })).find(({ disabledAt }) => disabledAt !== null);
  if (!disabled) return;
  const message = `"${batch.name}" comes after "${disabled.name}", which is disabled; enable that one first.`;
  throw new AppError("conflict", message, { reason: "predecessor_disabled" });
}
