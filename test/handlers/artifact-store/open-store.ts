// A store in a folder of its own that is removed after the test, with ways to upload and to see all that is on disk.
import { createHash, randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { AppError } from "../../../src/errors.js";
import type { ArchiveLimits } from "../../../src/handlers/artifact-store/archive-rules.js";
import { ArtifactStore, type StoredArtifact } from "../../../src/handlers/artifact-store/artifact-store.js";

/** Midday of a day with one-digit month and day, so that a key shows whether zeros are written. */
export const NOW = Date.UTC(2026, 1, 3, 12, 5, 9);

export interface OpenStore {
  store: ArtifactStore;
  folder: string;
  /** Puts the bytes where the upload middleware would, and gives the path. */
  receive: (bytes: Buffer) => Promise<string>;
  /** Receives and puts. */
  upload: (bytes: Buffer) => Promise<StoredArtifact>;
  /** Receives and puts what must be refused, and gives the refusal. */
  refused: (bytes: Buffer) => Promise<AppError>;
  /** Everything under the uploads folder: type, mode and hash of each path. */
  onDisk: () => Promise<string[]>;
}

export async function openStore(limits: Partial<ArchiveLimits> = {}): Promise<OpenStore> {
  const folder = await mkdtemp(join(tmpdir(), "artifact-store-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const store = new ArtifactStore({ folder, limits, clock: { now: () => NOW } });
  await store.prepare();
  const receive = async (bytes: Buffer): Promise<string> => {
    const path = join(store.stagingFolder, randomUUID());
    await writeFile(path, bytes);
    return path;
  };
  const upload = async (bytes: Buffer): Promise<StoredArtifact> => store.put(await receive(bytes));
  const refused = async (bytes: Buffer): Promise<AppError> => {
    const error: unknown = await upload(bytes).then(
      () => new Error("The upload was taken, but it should have been refused."),
      (reason: unknown) => reason,
    );
    if (error instanceof AppError) return error;
    throw error;
  };
  return { store, folder, receive, upload, refused, onDisk: () => listing(folder) };
}

/** Type, mode and content of everything under a folder, one line each. */
export async function listing(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return Promise.all(
    names.sort().map(async (name) => {
      const facts = await stat(join(folder, name));
      const mode = (facts.mode & 0o7777).toString(8);
      if (facts.isDirectory()) return `${name}/ ${mode}`;
      const hash = createHash("sha256")
        .update(await readFile(join(folder, name)))
        .digest("hex");
      return `${name} ${mode} ${hash.slice(0, 16)}`;
    }),
  );
}
