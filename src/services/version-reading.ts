// The versions of a batch, for whoever asks: what was uploaded, its files, how two differ, and all of it as one file.
import type { Readable } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { In, type EntityManager } from "typeorm";
import type { Database } from "../database/database.js";
import { selectRows } from "../database/plain.js";
import { Artifact } from "../entities/artifact.js";
import type { Batch } from "../entities/batch.js";
import { ConfigRevision } from "../entities/config-revision.js";
import { AppError } from "../errors.js";
import type { ArtifactComparer, ArtifactDiff } from "../handlers/artifact-store/artifact-diff.js";
import {
  isStored,
  listFiles,
  openFile,
  openZip,
  type ArtifactPlace,
  type OpenFile,
  type StoredFile,
} from "../handlers/artifact-store/artifact-reader.js";
import type { ArtifactStore } from "../handlers/artifact-store/artifact-store.js";
import type { Clock } from "../handlers/clock.js";
import { writeExportFile } from "../handlers/export-file.js";
import type { BatchConfig } from "../models/batch-config.js";
import type { ConfigChange, VersionFilter } from "../models/version.js";
import { writtenConfig } from "../models/written-config.js";
import type { BatchService } from "./batch-service.js";

interface Collaborators {
  database: Database;
  artifacts: ArtifactStore;
  comparer: ArtifactComparer;
  batches: BatchService;
  clock: Clock;
}

export interface VersionDetails {
  batch: Batch;
  artifact: Artifact;
  /** The one that was in use when it was uploaded. */
  config: BatchConfig;
  /** Its files are not there any more. */
  missing: boolean;
}

/** A version whose files are there, and where. */
interface FoundVersion extends VersionDetails {
  place: ArtifactPlace;
}

export interface VersionDiff extends ArtifactDiff {
  from: VersionDetails;
  to: VersionDetails;
  config: ConfigChange[];
}

export class VersionReading {
  constructor(private readonly with_: Collaborators) {}

  /** One more than the limit, newest first, where there are as many. */
  async list(reference: string, { limit, cursor }: VersionFilter): Promise<VersionDetails[]> {
    const { batch } = await this.with_.batches.get(reference);
    const [condition, values] = cursor === undefined ? ["", []] : ["AND version < ?", [cursor]];
    return this.read(batch, `${condition} ORDER BY version DESC LIMIT ${limit + 1}`, values);
  }

  async get(reference: string, version: number): Promise<VersionDetails> {
    const { batch } = await this.with_.batches.get(reference);
    return this.versionOf(batch, version);
  }

  /** The zip as it was uploaded, of this version or the active one. */
  async artifact(reference: string, version?: number): Promise<{ artifact: Artifact; zip: OpenFile }> {
    const { artifact, place } = await this.find(reference, version);
    return { artifact, zip: await openZip(place) };
  }

  /** Every file of it, by path. */
  async files(reference: string, version: number): Promise<{ artifact: Artifact; files: StoredFile[] }> {
    const { artifact, place } = await this.find(reference, version);
    return { artifact, files: await listFiles(place) };
  }

  async file(reference: string, version: number, path: string): Promise<OpenFile> {
    const { place } = await this.find(reference, version);
    const file = await openFile(place, path);
    if (file) return file;
    const message = `Version ${version} has no such file. The address of its files without a path, ending in /files, lists them all.`;
    throw new AppError("not_found", message, { reason: "no_such_file" });
  }

  /** What changed from one version to another, or to the active one. */
  async diff(reference: string, version: number, other?: number): Promise<VersionDiff> {
    const [from, to] = [await this.find(reference, version), await this.find(reference, other)];
    const config = configChanges(from.config, to.config);
    // The same zip has the same files.
    const isSame = from.artifact.sha256 === to.artifact.sha256;
    const diff = isSame ? { files: [], truncated: false } : await this.with_.comparer.compare(from.place, to.place);
    return { ...diff, from, to, config };
  }

  /**
   * The batch as one file, with this version of its archive, or the active one. Its config is the present one with the
   * active version, and else the one of that version.
   */
  async export(reference: string, version?: number): Promise<{ batch: Batch; content: Readable; bytes: number }> {
    const { batch, artifact, place, config } = await this.find(reference, version);
    const exportedAt = this.with_.clock.now();
    const chosen = artifact.version === batch.version ? batch.config : { ...config, name: batch.name };
    const written = writtenConfig(chosen, exportedAt);
    const { version: number, sha256 } = artifact;
    const archive = await openZip(place);
    const contents = { name: batch.name, version: number, sha256, exportedAt, config: written, archive };
    return { batch, ...writeExportFile(contents) };
  }

  /** A version, or the active one, that can be read. */
  private async find(reference: string, version?: number): Promise<FoundVersion> {
    const { batch } = await this.with_.batches.get(reference);
    const details = await this.versionOf(batch, version ?? batch.version);
    if (!details.missing) return { ...details, place: this.placeOf(details.artifact) };
    const message =
      `The files of version ${details.artifact.version} of "${batch.name}" are not on the server any more. ` +
      "Restore the uploads folder from a backup, or upload them again as a new version.";
    throw new AppError("not_found", message, { reason: "version_missing" });
  }

  private async versionOf(batch: Batch, version: number): Promise<VersionDetails> {
    const [details] = await this.read(batch, "AND version = ?", [version]);
    if (details) return details;
    const message = `"${batch.name}" has no version ${version}; its address ending in /versions lists those it has.`;
    throw new AppError("not_found", message, { reason: "no_such_version" });
  }

  /** @param tail what follows the condition for the batch, with `?` for every value */
  private async read(batch: Batch, tail: string, values: unknown[]): Promise<VersionDetails[]> {
    const { artifacts, configs } = await this.with_.database.read(async (manager) => {
      const rows = await selectRows(manager, Artifact, `WHERE batchId = ? ${tail}`, [batch.id, ...values]);
      return { artifacts: rows, configs: await configsOf(manager, batch, rows) };
    });
    return Promise.all(
      artifacts.map(async (artifact) => {
        const config = configs.get(artifact.configRevision) ?? batch.config;
        return { batch, artifact, config, missing: !(await isStored(this.placeOf(artifact))) };
      }),
    );
  }

  private placeOf({ storageKey }: Artifact): ArtifactPlace {
    const { artifacts } = this.with_;
    return { zipFile: artifacts.zipFile(storageKey), filesFolder: artifacts.filesFolder(storageKey) };
  }
}

/** The configs that these artifacts were uploaded under, by revision. */
async function configsOf(
  manager: EntityManager,
  batch: Batch,
  artifacts: Artifact[],
): Promise<Map<number, BatchConfig>> {
  const number = In(artifacts.map(({ configRevision }) => configRevision));
  const revisions = await manager.findBy(ConfigRevision, { batchId: batch.id, number });
  return new Map(revisions.map((revision) => [revision.number, revision.config]));
}

/** Every key of the config whose value differs. */
function configChanges(from: BatchConfig, to: BatchConfig): ConfigChange[] {
  const [before, after] = [from as Record<string, unknown>, to as Record<string, unknown>];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys
    .filter((key) => !isDeepStrictEqual(before[key], after[key]))
    .map((key) => ({ pointer: `/${key}`, from: before[key] ?? null, to: after[key] ?? null }));
}
