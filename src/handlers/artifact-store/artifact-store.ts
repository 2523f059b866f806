// The one writer under the uploads folder: takes in zips as immutable artifacts, finds them again and removes them.
import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError, explainDiskFull } from "../../errors.js";
import { hasErrors, type Finding } from "../../models/finding.js";
import { isMakerGone, newMakerMark } from "../process/maker-mark.js";
import { DEFAULT_LIMITS, type ArchiveLimits } from "./archive-rules.js";
import { reported } from "./findings.js";
import { Inspector } from "./inspection.js";
import { FILE_MODE, FOLDER_MODE } from "./layout.js";
import type { UnpackOrder } from "./unpack.js";
import { Unpacker } from "./unpacker.js";

/** A file as it was received, lying in the staging folder. */
export interface ReceivedFile {
  path: string;
  /** As the sender named it; never used as a path. */
  name: string;
  /** Of the file's bytes, in hex. */
  sha256: string;
  bytes: number;
}

/** What is known of an artifact's contents. */
export interface ArtifactFacts {
  /** Of the zip as uploaded, in hex. */
  sha256: string;
  /** Size of the zip. */
  bytes: number;
  fileCount: number;
  unpackedBytes: number;
}

/** What the database keeps about an artifact. */
export interface StoredArtifact extends ArtifactFacts {
  /** `YYYYMMDD-HHMMSS-<8 hex>` in UTC; the only name by which others know it. */
  key: string;
}

/** An upload that was taken apart in the staging folder, and what was found in it. */
export interface StagedArtifact {
  /** In order of importance. With an error among them it cannot be published. */
  findings: Finding[];
  /** Null if there is an error among the findings. */
  facts: ArtifactFacts | null;
  /** Makes it visible in one step; to be settled when its rows are committed. @throws if it has errors */
  publish(): Promise<StoredArtifact>;
  /** Removes it; nothing happens if it was published. */
  discard(): Promise<void>;
}

export interface ArtifactStoreOptions {
  /** The uploads folder. */
  folder: string;
  limits?: Partial<ArchiveLimits>;
  clock: { now(): number };
  /** Another way of unpacking. */
  unpack?: (order: UnpackOrder) => Promise<Finding[]>;
}

const KEY = /^\d{8}-\d{6}-[0-9a-f]{8}$/;
const ZIP_FILE = "artifact.zip";
const FILES_FOLDER = "files";

/**
 * Artifacts on disk, as `<key>/artifact.zip` and `<key>/files/`. A key exists only when all of it does.
 *
 * What is unfinished lies in the staging folder, under names that carry the mark of the process that is at work on it.
 * That is on the same disk, so that taking a thing in and taking it away are renames.
 */
export class ArtifactStore {
  private readonly folder: string;
  private readonly stagingFolder: string;
  private readonly clock: { now(): number };
  private readonly inspector: Inspector;
  private readonly maker = newMakerMark();
  private made = 0;

  constructor({ folder, limits, clock, unpack }: ArtifactStoreOptions) {
    this.folder = folder;
    this.stagingFolder = join(folder, ".staging");
    this.clock = clock;
    const unpacker = new Unpacker();
    this.inspector = new Inspector({
      limits: { ...DEFAULT_LIMITS, ...limits },
      unpack: unpack ?? ((order) => unpacker.unpack(order)),
    });
  }

  /** Makes the folders. */
  async prepare(): Promise<void> {
    await mkdir(this.stagingFolder, { recursive: true, mode: FOLDER_MODE });
  }

  /** The path for a new file to be received under. */
  newUpload(): string {
    return this.newName("upload");
  }

  /**
   * Takes an upload apart: moves the file, unpacks it and checks all of it. Faults of the archive are findings; only
   * what is no fault of it is thrown (a full disk as AppError `insufficient_storage`), and then nothing stays.
   */
  async stage(file: ReceivedFile): Promise<StagedArtifact> {
    const folder = this.newName("staged");
    try {
      const key = newKey(this.clock.now());
      await mkdir(folder);
      await chmod(folder, FOLDER_MODE);
      const { findings, fileCount, unpackedBytes } = await this.takeApart(file.path, folder);
      const { name, sha256, bytes } = file;
      const facts = hasErrors(findings) ? null : { sha256, bytes, fileCount, unpackedBytes };
      if (!facts) await removeAll(folder);
      return { findings: reported(findings, name), facts, ...this.waysOut(folder, facts && { key, ...facts }) };
    } catch (error) {
      await Promise.allSettled([file.path, folder].map(removeAll));
      throw explainDiskFull(error);
    }
  }

  /** Settles a published artifact: from now on it is judged by its row alone. To be called when that is committed. */
  async settle(key: string): Promise<void> {
    await rm(this.markOf(key), { force: true });
  }

  /** Removes an artifact; one that is gone already is no error. It disappears at once, however long the rest takes. */
  async remove(key: string): Promise<void> {
    const place = this.place(key);
    const doomed = this.newName("removed");
    await rename(place, doomed).catch(ignoreMissing);
    await this.settle(key);
    await removeAll(doomed);
  }

  /** Path of the zip as uploaded. */
  zipFile(key: string): string {
    return join(this.place(key), ZIP_FILE);
  }

  /** Path of the folder with the unpacked files. Nobody may write there: runs work on a copy. */
  filesFolder(key: string): string {
    return join(this.place(key), FILES_FOLDER);
  }

  /** Whether the artifact is there, zip and files. */
  async has(key: string): Promise<boolean> {
    const found = await Promise.all(
      [this.zipFile(key), this.filesFolder(key)].map((path) => stat(path).catch(ignoreMissing)),
    );
    return found.every((one) => one !== undefined);
  }

  /** All keys on disk, oldest first. */
  async keys(): Promise<string[]> {
    return (await readdir(this.folder)).filter((name) => KEY.test(name)).sort();
  }

  /**
   * Removes from the staging folder what was made by service processes that are gone, and gives the keys on disk that
   * nobody is at work on: one of them without a row, in a look at the rows AFTER this call, belongs to nobody.
   *
   * It is right beside processes that live, because each lays its mark before an artifact appears and takes it away
   * when the row is committed or the artifact removed. Of a key seen here the mark was there before. Either it still is
   * when the marks are listed after the keys: then the key is left out. Or it was taken away: then the row, if there
   * ever will be one, is committed already. Or its maker is gone: then nobody is left who would commit it.
   */
  async sweepStaging(): Promise<string[]> {
    const keys = await this.keys();
    const names = await readdir(this.stagingFolder);
    const left = names.filter(isMakerGone);
    const inWork = names.filter((name) => !left.includes(name));
    for (const name of left) await removeAll(join(this.stagingFolder, name));
    return keys.filter((key) => !inWork.some((name) => name.startsWith("published-") && name.endsWith(key)));
  }

  /** The zip is brought to the disk while it is being unpacked. */
  private async takeApart(upload: string, folder: string) {
    const zipFile = join(folder, ZIP_FILE);
    await rename(upload, zipFile);
    await chmod(zipFile, FILE_MODE);
    const synced = sync(zipFile);
    // Looked at below; nobody may be at work in the folder any more when this method fails.
    synced.catch(() => undefined);
    const inspection = await this.inspector.inspect(zipFile, join(folder, FILES_FOLDER));
    await synced;
    await sync(folder);
    return inspection;
  }

  /** One of the two, once. */
  private waysOut(folder: string, artifact: StoredArtifact | null): Pick<StagedArtifact, "publish" | "discard"> {
    let isStaged = artifact !== null;
    return {
      publish: async () => {
        if (!isStaged || !artifact) throw new Error("This upload has errors, or was published or discarded already.");
        isStaged = false;
        await this.publish(folder, artifact.key);
        return artifact;
      },
      discard: async () => {
        if (isStaged) await removeAll(folder);
        isStaged = false;
      },
    };
  }

  private async publish(staged: string, key: string): Promise<void> {
    try {
      await writeFile(this.markOf(key), "");
      await rename(staged, this.place(key));
      // Without this a power cut could forget the rename, but not the row.
      await sync(this.folder);
    } catch (error) {
      await Promise.allSettled([removeAll(staged), this.remove(key)]);
      throw explainDiskFull(error);
    }
  }

  private newName(what: string): string {
    return join(this.stagingFolder, `${what}-${this.maker}-${++this.made}`);
  }

  private markOf(key: string): string {
    return join(this.stagingFolder, `published-${this.maker}-${basename(this.place(key))}`);
  }

  private place(key: string): string {
    if (!KEY.test(key)) throw new AppError("not_found", "There is no artifact with this key.");
    return join(this.folder, key);
  }
}

function newKey(now: number): string {
  const [day, time] = new Date(now).toISOString().replace(/[-:]/g, "").split(/[T.]/);
  return `${day ?? ""}-${time ?? ""}-${randomBytes(4).toString("hex")}`;
}

async function removeAll(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

async function sync(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
