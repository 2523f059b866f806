// The one writer under the uploads folder: takes in zips as immutable artifacts, finds them again and removes them.
import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError } from "../../errors.js";
import { checkArchive, DEFAULT_LIMITS, type ArchiveLimits } from "./archive-rules.js";
import { readCentralDirectory, type Archive } from "./central-directory.js";
import { explainDiskFull } from "./disk-full.js";
import { refuseErrors } from "./findings.js";
import { Unpacker } from "./unpacker.js";

/** What the database keeps about an artifact. */
export interface StoredArtifact {
  /** `YYYYMMDD-HHMMSS-<8 hex>` in UTC; the only name by which others know it. */
  key: string;
  /** Of the zip as uploaded, in hex. */
  sha256: string;
  /** Size of the zip. */
  bytes: number;
  fileCount: number;
  unpackedBytes: number;
}

export interface ArtifactStoreOptions {
  /** The uploads folder. */
  folder: string;
  limits?: Partial<ArchiveLimits>;
  clock: { now(): number };
}

const KEY = /^\d{8}-\d{6}-[0-9a-f]{8}$/;
const ZIP_FILE = "artifact.zip";
const FILES_FOLDER = "files";
const FOLDER_MODE = 0o750;
const FILE_MODE = 0o640;
const STALE_MS = 60 * 60 * 1000;

/** Artifacts on disk, as `<key>/artifact.zip` and `<key>/files/`. A key exists only when all of it does. */
export class ArtifactStore {
  /** Where uploads are received under random names; it is on the same disk, so that taking one in is a rename. */
  readonly stagingFolder: string;
  private readonly folder: string;
  private readonly limits: ArchiveLimits;
  private readonly clock: { now(): number };
  private readonly unpacker = new Unpacker();

  constructor({ folder, limits, clock }: ArtifactStoreOptions) {
    this.folder = folder;
    this.stagingFolder = join(folder, ".staging");
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.clock = clock;
  }

  /** Makes the folders, and removes what a service that was killed left unfinished more than an hour ago. */
  async prepare(): Promise<void> {
    await mkdir(this.stagingFolder, { recursive: true, mode: FOLDER_MODE });
    for (const name of await readdir(this.stagingFolder)) {
      const path = join(this.stagingFolder, name);
      const found = await lstat(path).catch(ignoreMissing);
      if (found && this.clock.now() - found.mtimeMs > STALE_MS) await rm(path, { recursive: true, force: true });
    }
  }

  /**
   * Takes in an upload that lies in the staging folder: checks it, unpacks it and makes it visible in one step. The
   * file is moved; when the upload is refused or anything fails, it is removed with everything that was made of it.
   */
  async put(uploadedFile: string): Promise<StoredArtifact> {
    const made: string[] = [];
    try {
      const staged = await mkdtemp(join(this.stagingFolder, "put-"));
      made.push(staged);
      await chmod(staged, FOLDER_MODE);
      const artifact = await this.fill(staged, uploadedFile);
      const key = newKey(this.clock.now());
      await rename(staged, join(this.folder, key));
      made.push(join(this.folder, key));
      await syncFolder(this.folder);
      return { key, ...artifact };
    } catch (error) {
      const removed = made.map((folder) => rm(folder, { recursive: true, force: true }));
      await Promise.allSettled([rm(uploadedFile, { force: true }), ...removed]);
      throw explainDiskFull(error);
    }
  }

  /** Removes an artifact; one that is gone already is no error. It disappears at once, however long the rest takes. */
  async remove(key: string): Promise<void> {
    const doomed = join(this.stagingFolder, `removed-${basename(this.place(key))}`);
    await rename(this.place(key), doomed).catch(ignoreMissing);
    await rm(doomed, { recursive: true, force: true });
  }

  /** Path of the zip as uploaded. */
  zipFile(key: string): string {
    return join(this.place(key), ZIP_FILE);
  }

  /** Path of the folder with the unpacked files. Nobody may write there: runs work on a copy. */
  filesFolder(key: string): string {
    return join(this.place(key), FILES_FOLDER);
  }

  /** All keys on disk, oldest first. */
  async keys(): Promise<string[]> {
    return (await readdir(this.folder)).filter((name) => KEY.test(name)).sort();
  }

  private async fill(staged: string, uploadedFile: string): Promise<Omit<StoredArtifact, "key">> {
    const zipFile = join(staged, ZIP_FILE);
    await rename(uploadedFile, zipFile);
    await chmod(zipFile, FILE_MODE);
    const archive = await this.inspect(zipFile);
    const order = { zipFile, filesFolder: join(staged, FILES_FOLDER), archive };
    const { findings, ...contents } = await this.unpacker.unpack(order);
    refuseErrors(findings);
    return { ...contents, bytes: archive.archiveBytes };
  }

  private async inspect(zipFile: string): Promise<Archive> {
    const file = await open(zipFile);
    try {
      const archive = await readCentralDirectory(file, this.limits.entries);
      refuseErrors(checkArchive(archive, this.limits));
      return archive;
    } finally {
      await file.close();
    }
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

/** Without this a power cut could forget the rename that made an artifact visible. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
