// Registration: an upload's configs and archives become batches, artifacts, links and triggers, all or nothing.
import { In } from "typeorm";
import type { Database } from "../database/database.js";
import { isUniqueViolation } from "../database/database.js";
import { nameKeyOf } from "../database/name-key.js";
import type { Transaction } from "../database/transaction.js";
import { Artifact } from "../entities/artifact.js";
import { Batch } from "../entities/batch.js";
import { ConfigRevision } from "../entities/config-revision.js";
import { Link } from "../entities/link.js";
import { Trigger } from "../entities/trigger.js";
import { AppError, type Fault } from "../errors.js";
import type { ArtifactStore, ReceivedFile, StoredArtifact } from "../handlers/artifact-store/artifact-store.js";
import { errorCodeOf } from "../handlers/artifact-store/findings.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import type { Scheduler } from "../jobs/scheduler.js";
import type { Actor } from "../models/actor.js";
import { linkOptions, scheduleOf, type BatchConfig } from "../models/batch-config.js";
import { foldName } from "../models/name.js";
import type { Schedule } from "../models/schedule.js";
import { checkReferences } from "./config-references.js";
import { placeholder, planLinks, type UploadPlace } from "./predecessors.js";

interface Collaborators {
  database: Database;
  artifacts: ArtifactStore;
  scheduler: Scheduler;
  events: EventLog;
  clock: Clock;
}

export type { ReceivedFile } from "../handlers/artifact-store/artifact-store.js";

/** One batch to be: its checked config and its archive. */
export interface Upload {
  config: BatchConfig;
  file: ReceivedFile;
}

export interface Registered {
  batchIds: number[];
  linkIds: number[];
}

export class Registration {
  constructor(private readonly with_: Collaborators) {}

  /** Stores all archives, then writes all rows in one transaction; if anything fails, neither row nor file stays. */
  async register(uploads: Upload[], actor: Actor, place: UploadPlace): Promise<Registered> {
    const stored: StoredArtifact[] = [];
    try {
      for (const { file } of uploads) stored.push(await this.store(file));
      const registered = await this.with_.database.write((transaction) =>
        this.write(transaction, uploads, stored, actor, place),
      );
      for (const { key } of stored) await this.with_.artifacts.settle(key);
      return registered;
    } catch (error) {
      await Promise.allSettled(stored.map(({ key }) => this.with_.artifacts.remove(key)));
      throw error;
    }
  }

  private async store(file: ReceivedFile): Promise<StoredArtifact> {
    const staged = await this.with_.artifacts.stage(file);
    const errors = staged.findings.filter(({ level }) => level === "error");
    const [first] = errors;
    if (!first) return staged.publish();
    const more = errors.length > 1 ? ` The archive has ${errors.length} faults in all, see the list.` : "";
    throw new AppError(errorCodeOf(first.code), `${first.message} ${first.fix}${more}`, {
      reason: first.code,
      errors: errors.map(({ file: entry, message, fix }) => ({ pointer: entry ?? "", message: `${message} ${fix}` })),
    });
  }

  private async write(
    transaction: Transaction,
    uploads: Upload[],
    stored: StoredArtifact[],
    actor: Actor,
    place: UploadPlace,
  ): Promise<Registered> {
    const { manager } = transaction;
    await this.refuseTakenNames(transaction, uploads, place);
    const configs = uploads.map(({ config }) => config);
    const plan = await planLinks(manager, configs, place);
    await checkReferences(manager, configs, plan.edges, place);
    const batches = new Map<number, Batch>();
    for (const [i, { config, file }] of uploads.entries()) {
      const enabled = !plan.withdrawn.has(placeholder(i));
      const batch = await this.insertBatch(transaction, config, { enabled, pointer: place.pointerOf(i), actor });
      batches.set(placeholder(i), batch);
      await this.insertArtifact(transaction, batch, { artifact: stored[i], file, actor });
      await this.insertTrigger(transaction, batch);
      const payload = { version: batch.version };
      const subject = { type: "batch" as const, id: batch.id, name: batch.name };
      await this.with_.events.append(transaction, { kind: "batch.uploaded", subject, source: "api", actor, payload });
    }
    const linkIds: number[] = [];
    for (const { predecessorId, successorId } of plan.edges) {
      const successor = batches.get(successorId);
      if (!successor) continue;
      const ends = { predecessorId: batches.get(predecessorId)?.id ?? predecessorId, successorId: successor.id };
      const { identifiers } = await manager.insert(Link, { ...ends, ...linkOptions(successor.config) });
      linkIds.push(Number(identifiers[0]?.["id"]));
    }
    return { batchIds: [...batches.values()].map(({ id }) => id), linkIds };
  }

  private async refuseTakenNames({ manager }: Transaction, uploads: Upload[], { pointerOf }: UploadPlace) {
    const keys = uploads.map(({ config }) => nameKeyOf(config.name));
    const taken = new Set((await manager.findBy(Batch, { nameKey: In(keys) })).map(({ nameKey }) => nameKey));
    const errors = uploads.flatMap(({ config }, i): Fault[] => {
      if (!taken.has(keys[i] ?? "")) return [];
      return [takenFault(pointerOf(i), config.name)];
    });
    if (errors.length > 0) throw nameTaken(errors);
  }

  private async insertBatch(
    { manager }: Transaction,
    config: BatchConfig,
    { enabled, pointer, actor }: { enabled: boolean; pointer: string; actor: Actor },
  ): Promise<Batch> {
    const now = this.with_.clock.now();
    const batch = Object.assign(new Batch(), {
      name: config.name,
      foldedName: foldName(config.name),
      nameKey: nameKeyOf(config.name),
      description: config.description,
      config,
      version: 1,
      configRevision: 1,
      disabledAt: null,
      enabled,
      executionCount: 0,
      revision: 1,
      createdAt: now,
      updatedAt: now,
    });
    try {
      await manager.insert(Batch, batch);
    } catch (error) {
      // Somebody took the name after we had looked.
      if (isUniqueViolation(error)) throw nameTaken([takenFault(pointer, config.name)]);
      throw error;
    }
    const revision = { batchId: batch.id, number: batch.configRevision, config, createdAt: now, createdBy: actor };
    await manager.insert(ConfigRevision, revision);
    return batch;
  }

  private async insertArtifact(
    { manager }: Transaction,
    batch: Batch,
    { artifact, file, actor }: { artifact: StoredArtifact | undefined; file: ReceivedFile; actor: Actor },
  ): Promise<void> {
    if (!artifact) throw new AppError("internal", "An archive was not stored.");
    const { key: storageKey, ...facts } = artifact;
    const { id: batchId, version, configRevision, createdAt } = batch;
    const place = { batchId, version, configRevision, storageKey, createdAt, createdBy: actor };
    await manager.insert(Artifact, { ...facts, ...place, fileName: file.name.slice(0, 255) });
  }

  private async insertTrigger(transaction: Transaction, batch: Batch): Promise<void> {
    const schedule = scheduleOf(batch.config);
    if (!schedule) return;
    const trigger = Object.assign(new Trigger(), {
      ...triggerColumns(schedule),
      batchId: batch.id,
      nextAt: null,
      createdAt: batch.createdAt,
    });
    await transaction.manager.insert(Trigger, trigger);
    if (batch.enabled) await this.with_.scheduler.arm(transaction, [trigger]);
  }
}

function takenFault(pointer: string, name: string): Fault {
  return { pointer: `${pointer}/name`, message: `a batch named "${name}" exists already` };
}

function nameTaken(errors: Fault[]): AppError {
  const message = "The name is taken: choose another one, or delete the batch that has it.";
  return new AppError("conflict", message, { reason: "name_taken", errors });
}

function triggerColumns(schedule: Schedule): Pick<Trigger, "kind" | "expression" | "timeZone" | "dst" | "onceAt"> {
  if (schedule.kind === "once") {
    return { kind: "once", expression: null, timeZone: "UTC", dst: "next_valid", onceAt: schedule.at };
  }
  const { expression, timeZone, dst } = schedule;
  return { kind: "cron", expression, timeZone, dst, onceAt: null };
}
