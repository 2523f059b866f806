// A store in a folder of its own that is removed after the test, with ways to upload and to see all that is on disk.
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { ArchiveLimits } from "../../../src/handlers/artifact-store/archive-rules.js";
import {
  ArtifactStore,
  type ArtifactStoreOptions,
  type ReceivedFile,
  type StagedArtifact,
  type StoredArtifact,
} from "../../../src/handlers/artifact-store/artifact-store.js";
import { readByStream } from "../../../src/handlers/artifact-store/streamed-archive.js";
import { unpack } from "../../../src/handlers/artifact-store/unpack.js";
import type { Finding } from "../../../src/models/finding.js";

/** Midday of a day with one-digit month and day, so that a key shows whether zeros are written. */
export const NOW = Date.UTC(2026, 1, 3, 12, 5, 9);

export interface OpenStore {
  store: ArtifactStore;
  folder: string;
  /** Puts the bytes where the upload middleware would. */
  receive: (bytes: Buffer) => Promise<ReceivedFile>;
  /** Receives and stages. */
  stage: (bytes: Buffer) => Promise<StagedArtifact>;
  /** Receives, stages, publishes and settles. */
  upload: (bytes: Buffer) => Promise<StoredArtifact>;
  /** Receives and stages what must be refused, and gives what was found. */
  refused: (bytes: Buffer) => Promise<Finding[]>;
  /** Everything under the uploads folder: type, mode and hash of each path. */
  onDisk: () => Promise<string[]>;
}

type Unpack = NonNullable<ArtifactStoreOptions["unpack"]>;

/** Small archives have a way of their own, and whatever applies to them must apply to what comes by stream as well. */
export const WAYS: readonly (Unpack | undefined)[] = [undefined, (order) => unpack(order, readByStream)];

export async function openStore(limits: Partial<ArchiveLimits> = {}, way?: Unpack): Promise<OpenStore> {
  const folder = await mkdtemp(join(tmpdir(), "artifact-store-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const store = new ArtifactStore({ folder, limits, clock: { now: () => NOW }, ...(way && { unpack: way }) });
  await store.prepare();
  const receive = async (bytes: Buffer): Promise<ReceivedFile> => {
    const path = store.newUpload();
    await writeFile(path, bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { path, name: "batch.zip", sha256, bytes: bytes.length };
  };
  const stage = async (bytes: Buffer): Promise<StagedArtifact> => store.stage(await receive(bytes));
  const upload = async (bytes: Buffer): Promise<StoredArtifact> => {
    const staged = await stage(bytes);
    expect(staged.findings.filter(({ level }) => level === "error")).toEqual([]);
    const artifact = await staged.publish();
    await store.settle(artifact.key);
    return artifact;
  };
  const refused = async (bytes: Buffer): Promise<Finding[]> => {
    const staged = await stage(bytes);
    expect(staged.facts).toBeNull();
    await expect(staged.publish()).rejects.toThrow("errors");
    await staged.discard();
    return staged.findings;
  };
  return { store, folder, receive, stage, upload, refused, onDisk: () => listing(folder) };
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
