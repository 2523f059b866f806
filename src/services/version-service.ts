// Versions, for whoever asks: upload another one of a batch, and choose which one is active.
import type { Database } from "../database/database.js";
import type { Transaction } from "../database/transaction.js";
import { Artifact } from "../entities/artifact.js";
import { Batch } from "../entities/batch.js";
import { ConfigRevision } from "../entities/config-revision.js";
import { AppError } from "../errors.js";
import type { ArtifactStore, ReceivedFile, StoredArtifact } from "../handlers/artifact-store/artifact-store.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import type { Actor } from "../models/actor.js";
import { hasErrors } from "../models/finding.js";
import { uploadReport, type Change } from "../models/upload.js";
import { batchDetails, type BatchDetails } from "./batch-details.js";
import type { CheckedEdit, ConfigEdit } from "./config-edit.js";
import { batchEtag, namedBatch, refuseStale } from "./named-batch.js";
import { uploadRefusal } from "./refusal.js";
import { checkConfig, readConfig, type ReadConfigs } from "./upload-config.js";
import type { Checked, Circumstances, UploadDesk, UploadOutcome, Written } from "./upload-desk.js";
import type { VersionDetails } from "./version-reading.js";

interface Collaborators {
  database: Database;
  uploads: UploadDesk;
  edits: ConfigEdit;
  artifacts: ArtifactStore;
  events: EventLog;
  clock: Clock;
  /** The shortest time between two planned runs. */
  minIntervalMs: number;
}

/** An upload of another version. */
export interface VersionUpload {
  /** Id or name of the batch. */
  reference: string;
  file: ReceivedFile;
  /** JSON text of the whole config, if that changes too. */
  config: string | undefined;
  /** False: the version in use stays in use. */
  activate: boolean;
  /** The header If-Match, about the batch. */
  ifMatch: string | undefined;
}

/** What has become of it. */
export interface UploadedVersion extends VersionDetails {
  /** True: the batch had this very content already, as that version. */
  known: boolean;
}

/** Which version to use from now on. */
export interface Activation {
  reference: string;
  version: number;
  /** True: the config that was in use when it was uploaded comes back too. */
  config: boolean;
  /** The header If-Match, about the batch. */
  ifMatch: string | undefined;
  actor: Actor;
}

const NO_EDIT: CheckedEdit = { findings: [], changes: [], write: () => Promise.resolve() };

export class VersionService {
  constructor(private readonly with_: Collaborators) {}

  /** Keeps an archive as another version of a batch, and uses it from now on unless that is not wanted. */
  async upload(
    upload: VersionUpload,
    circumstances: Circumstances<UploadedVersion>,
  ): Promise<UploadOutcome<UploadedVersion>> {
    const { clock, minIntervalMs, uploads } = this.with_;
    // Whether an instant in the past was there before is asked when the batch is known.
    const rules = { now: clock.now(), minIntervalMs, atAfter: -Infinity };
    const read = upload.config === undefined ? null : readConfig(upload.config, rules);
    const check = (transaction: Transaction) => this.check(transaction, upload, read, circumstances.actor);
    const order = { configs: [], findings: read?.findings ?? [], archives: [upload.file], check };
    return uploads.handle(order, circumstances);
  }

  /**
   * Makes a version the active one: new executions use it, unless their trigger or link is pinned to another. What is
   * queued or runs keeps the version it has.
   *
   * @throws AppError `not_found` if there is no such version, `conflict` if its files are gone
   */
  async activate(activation: Activation): Promise<BatchDetails> {
    const { clock, database } = this.with_;
    await this.refuseMissing(activation);
    return database.write(async (transaction) => {
      const { manager } = transaction;
      const { reference, version, config, ifMatch, actor } = activation;
      const batch = await namedBatch(manager, reference, { lock: true });
      refuseStale(batchEtag(batch), ifMatch);
      const artifact = await versionOf(transaction, batch, version);
      if (config) await this.bringBack(transaction, batch, artifact, actor);
      await this.use(transaction, batch, version, actor);
      const [details] = await batchDetails(manager, [batch], clock.now());
      return details as BatchDetails;
    });
  }

  private async check(
    transaction: Transaction,
    upload: VersionUpload,
    read: ReadConfigs | null,
    actor: Actor,
  ): Promise<Checked<UploadedVersion>> {
    const batch = await namedBatch(transaction.manager, upload.reference, { lock: true });
    refuseStale(batchEtag(batch), upload.ifMatch);
    const config = read ? (read.configs[0] ?? null) : batch.config;
    const edit = read && config ? await this.with_.edits.check(transaction, batch, config, actor) : NO_EDIT;
    const write = async ([artifact]: StoredArtifact[]): Promise<Written<UploadedVersion>> => {
      await edit.write();
      const written = await this.write(transaction, { batch, upload, artifact, actor });
      return { ...written, changes: [...edit.changes, ...written.changes] };
    };
    return { findings: edit.findings, configs: config ? [config] : [], write };
  }

  private async write(
    transaction: Transaction,
    {
      batch,
      upload,
      artifact,
      actor,
    }: { batch: Batch; upload: VersionUpload; artifact?: StoredArtifact | undefined; actor: Actor },
  ): Promise<Written<UploadedVersion>> {
    const { manager } = transaction;
    if (!artifact) throw new AppError("internal", "An archive was not stored.");
    const where = { batchId: batch.id, sha256: artifact.sha256 };
    const same = await manager.findOne(Artifact, { where, order: { version: "DESC" } });
    const known = same !== null && (await this.with_.artifacts.has(same.storageKey));
    const kept = same ?? (await this.insert(transaction, batch, { artifact, file: upload.file, actor }));
    // The same content again, whose files were gone: it takes their place.
    if (same && !known) await manager.update(Artifact, { id: same.id }, { storageKey: artifact.key });
    const { version } = kept;
    const changes = [changeOf(version, { isNew: same === null, known })];
    if (upload.activate && batch.version !== version) {
      changes.push({
        code: "version_activated",
        text: `Version ${version} is used instead of version ${batch.version}.`,
      });
      await this.use(transaction, batch, version, actor);
    }
    const { config } = await revisionOf(transaction, kept);
    return { result: { batch, artifact: kept, config, missing: false, known }, changes, known };
  }

  private async insert(
    transaction: Transaction,
    batch: Batch,
    { artifact, file, actor }: { artifact: StoredArtifact; file: ReceivedFile; actor: Actor },
  ): Promise<Artifact> {
    const { clock, events } = this.with_;
    const { manager } = transaction;
    const { id: batchId, configRevision } = batch;
    const [newest] = await manager.find(Artifact, { where: { batchId }, order: { version: "DESC" }, take: 1 });
    const { key: storageKey, ...facts } = artifact;
    const version = (newest?.version ?? 0) + 1;
    const row = Object.assign(new Artifact(), {
      ...facts,
      ...{ batchId, version, configRevision, storageKey, fileName: file.name.slice(0, 255) },
      ...{ createdAt: clock.now(), createdBy: actor },
    });
    await manager.insert(Artifact, row);
    const subject = { type: "batch" as const, id: batchId, name: batch.name };
    await events.append(transaction, { kind: "version.uploaded", subject, source: "api", actor, payload: { version } });
    return row;
  }

  private async use(transaction: Transaction, batch: Batch, version: number, actor: Actor): Promise<void> {
    if (batch.version === version) return;
    const { clock, events } = this.with_;
    const before = batch.version;
    const columns = { version, revision: batch.revision + 1, updatedAt: clock.now() };
    await transaction.manager.update(Batch, { id: batch.id }, columns);
    Object.assign(batch, columns);
    const subject = { type: "batch" as const, id: batch.id, name: batch.name };
    const payload = { version, before };
    await events.append(transaction, { kind: "version.activated", subject, source: "api", actor, payload });
  }

  private async bringBack(transaction: Transaction, batch: Batch, artifact: Artifact, actor: Actor): Promise<void> {
    const { clock, edits, minIntervalMs } = this.with_;
    const revision = await revisionOf(transaction, artifact);
    const now = clock.now();
    const { config, findings } = checkConfig(revision.config, "", { now, minIntervalMs, atAfter: -Infinity });
    const edit = config ? await edits.check(transaction, batch, config, actor) : NO_EDIT;
    findings.push(...edit.findings);
    if (hasErrors(findings)) throw uploadRefusal(uploadReport(findings, { configs: [], changes: [], from: now }));
    await edit.write();
  }

  /** Looked at before the transaction: no disk may hold that up. */
  private async refuseMissing({ reference, version }: Activation): Promise<void> {
    const { artifacts, database } = this.with_;
    const artifact = await database.read(async (manager) => {
      const batch = await namedBatch(manager, reference);
      return manager.findOneBy(Artifact, { batchId: batch.id, version });
    });
    if (!artifact || (await artifacts.has(artifact.storageKey))) return;
    const message = `The files of version ${version} are gone from the disk; it cannot be used any more. Upload its archive again.`;
    throw new AppError("conflict", message, { reason: "version_missing" });
  }
}

function changeOf(version: number, { isNew, known }: { isNew: boolean; known: boolean }): Change {
  if (isNew) return { code: "version_made", text: `Version ${version} is made.` };
  if (known)
    return { code: "version_known", text: `The archive is version ${version}, byte for byte; no other one is made.` };
  return { code: "version_restored", text: `The files of version ${version}, which were gone, are there again.` };
}

/** The config that was in use when a version was uploaded. */
function revisionOf({ manager }: Transaction, { batchId, configRevision: number }: Artifact): Promise<ConfigRevision> {
  return manager.findOneByOrFail(ConfigRevision, { batchId, number });
}

/** @throws AppError `not_found` */
async function versionOf({ manager }: Transaction, batch: Batch, version: number): Promise<Artifact> {
  const artifact = await manager.findOneBy(Artifact, { batchId: batch.id, version });
  if (artifact) return artifact;
  throw new AppError("not_found", `"${batch.name}" has no version ${version}.`, { reason: "no_such_version" });
}
