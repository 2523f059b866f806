// Registration: an upload's configs and archives become batches, artifacts, links and triggers, all or nothing.
import { In, type EntityManager } from "typeorm";
import { isUniqueViolation } from "../database/database.js";
import { nameKeyOf } from "../database/name-key.js";
import type { Transaction } from "../database/transaction.js";
import { Artifact } from "../entities/artifact.js";
import { Batch } from "../entities/batch.js";
import { Link } from "../entities/link.js";
import { AppError } from "../errors.js";
import type { ReceivedFile, StoredArtifact } from "../handlers/artifact-store/artifact-store.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import type { Actor } from "../models/actor.js";
import { linkOptions, type BatchConfig } from "../models/batch-config.js";
import type { Finding } from "../models/finding.js";
import type { Change } from "../models/upload.js";
import { batchDetails, type BatchDetails } from "./batch-details.js";
import { checkReferences } from "./config-references.js";
import { columnsOf, type ConfigWriter } from "./config-writer.js";
import { placeholder, planLinks, type LinkPlan, type UploadPlace } from "./predecessors.js";
import { configFinding } from "./refusal.js";
import type { Replanning } from "./replanning.js";
import type { ReadConfigs } from "./upload-config.js";
import type { Checked, UploadOrder, Written } from "./upload-desk.js";

interface Collaborators {
  configs: ConfigWriter;
  replanning: Replanning;
  events: EventLog;
  clock: Clock;
}

/** What an upload of new batches has made, in the order of the configs. */
export interface Registered {
  batches: BatchDetails[];
  links: Link[];
}

/** An upload of new batches. */
export interface NewBatches {
  read: ReadConfigs;
  /** One per config. */
  archives: ReceivedFile[];
  place: UploadPlace;
  actor: Actor;
}

/** One batch to be: everything of it that is settled beforehand. */
interface Candidate {
  config: BatchConfig;
  file: ReceivedFile | undefined;
  artifact: StoredArtifact | undefined;
  enabled: boolean;
}

export class Registration {
  constructor(private readonly with_: Collaborators) {}

  /** What the upload desk needs to know of an upload of new batches. */
  order(upload: NewBatches): UploadOrder<Registered> {
    const { read, archives } = upload;
    const configs = read.configs.filter((config) => config !== null);
    const check = (transaction: Transaction) => this.check(transaction, upload, configs);
    return { configs, findings: read.findings, archives, check };
  }

  private async check(
    transaction: Transaction,
    upload: NewBatches,
    configs: BatchConfig[],
  ): Promise<Checked<Registered>> {
    const { manager } = transaction;
    const { read, place } = upload;
    const findings = await takenNames(manager, read.names);
    // What they follow can only be told of all together.
    if (configs.length < read.configs.length) return { findings, write: impossible };
    const plan = await planLinks(manager, configs, place);
    findings.push(...plan.findings, ...(await checkReferences(manager, configs, plan.edges, place)));
    return { findings, write: (artifacts) => this.write(transaction, upload, { configs, plan, artifacts }) };
  }

  private async write(
    transaction: Transaction,
    { archives, actor }: NewBatches,
    { configs, plan, artifacts }: { configs: BatchConfig[]; plan: LinkPlan; artifacts: StoredArtifact[] },
  ): Promise<Written<Registered>> {
    const { manager } = transaction;
    const batches: Batch[] = [];
    for (const [i, config] of configs.entries()) {
      const enabled = !plan.withdrawn.has(placeholder(i));
      batches.push(
        await this.insert(transaction, { config, file: archives[i], artifact: artifacts[i], enabled }, actor),
      );
    }
    const idOf = (id: number) => batches[-1 - id]?.id ?? id;
    const links: Link[] = [];
    for (const { predecessorId, successorId } of plan.edges) {
      const options = linkOptions(configs[-1 - successorId] as BatchConfig);
      const ends = { predecessorId: idOf(predecessorId), successorId: idOf(successorId) };
      const link = Object.assign(new Link(), { ...ends, ...options, version: null });
      await manager.insert(Link, link);
      links.push(link);
    }
    const details = await batchDetails(manager, batches, this.with_.clock.now());
    return { result: { batches: details, links }, changes: await changesOf(manager, batches, links) };
  }

  private async insert(transaction: Transaction, candidate: Candidate, actor: Actor): Promise<Batch> {
    const { configs, events, replanning } = this.with_;
    const batch = await this.insertBatch(transaction, candidate);
    await configs.record(transaction, batch, actor);
    await this.insertArtifact(transaction, batch, candidate, actor);
    await replanning.begin(transaction, batch);
    const subject = { type: "batch" as const, id: batch.id, name: batch.name };
    const payload = { version: batch.version };
    await events.append(transaction, { kind: "batch.uploaded", subject, source: "api", actor, payload });
    return batch;
  }

  private async insertBatch({ manager }: Transaction, { config, enabled }: Candidate): Promise<Batch> {
    const now = this.with_.clock.now();
    const counters = { version: 1, configRevision: 1, executionCount: 0, revision: 1 };
    const batch = Object.assign(new Batch(), {
      ...columnsOf(config),
      ...counters,
      ...{ disabledAt: null, enabled, createdAt: now, updatedAt: now },
    });
    try {
      await manager.insert(Batch, batch);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      // Somebody took the name after we had looked: looked at again, it is among the findings.
      throw new AppError("conflict", "The name was taken a moment ago: choose another one.", { reason: "name_taken" });
    }
    return batch;
  }

  private async insertArtifact(
    { manager }: Transaction,
    batch: Batch,
    { artifact, file }: Candidate,
    createdBy: Actor,
  ): Promise<void> {
    if (!artifact || !file) throw new AppError("internal", "An archive was not stored.");
    const { key: storageKey, ...facts } = artifact;
    const { id: batchId, version, configRevision, createdAt } = batch;
    const place = { batchId, version, configRevision, storageKey, createdAt, createdBy };
    await manager.insert(Artifact, { ...facts, ...place, fileName: file.name.slice(0, 255) });
  }
}

function impossible(): never {
  throw new AppError("internal", "An upload was to be kept whose configs cannot be used.");
}

/** @param except the batch that may have the name: it is its own */
export async function takenNames(
  manager: EntityManager,
  names: ReadConfigs["names"],
  except: number | null = null,
): Promise<Finding[]> {
  const keys = names.map(({ name }) => nameKeyOf(name));
  const found = await manager.findBy(Batch, { nameKey: In(keys) });
  const taken = new Map(found.filter(({ id }) => id !== except).map((batch) => [batch.nameKey, batch.id]));
  return names.flatMap(({ name, pointer }, i): Finding[] => {
    const id = taken.get(keys[i] ?? "");
    if (id === undefined) return [];
    const fix = `choose another one, upload a new version of that batch (POST /api/v1/batches/${id}/versions), or delete it.`;
    return [configFinding({ pointer, message: `a batch named "${name}" exists already` }, "name_taken", fix)];
  });
}

async function changesOf(manager: EntityManager, batches: Batch[], links: Link[]): Promise<Change[]> {
  const ids = links.map(({ predecessorId }) => predecessorId);
  const others = await manager.find(Batch, { select: { id: true, name: true }, where: { id: In(ids) } });
  const nameOf = (id: number) => [...batches, ...others].find((batch) => batch.id === id)?.name ?? "";
  return [
    ...batches.map(({ name }): Change => ({
      code: "batch_made",
      text: `The batch "${name}" is made, with version 1.`,
    })),
    ...links.map(({ predecessorId, successorId }): Change => {
      return { code: "link_made", text: `"${nameOf(successorId)}" runs after "${nameOf(predecessorId)}".` };
    }),
  ];
}
