// Uploads as bare multipart requests, and what they leave behind on disk.
import { readdir } from "node:fs/promises";
import { expect, vi } from "vitest";
import type { TestApp } from "./app.js";

/** A zip, or something that claims to be one. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Some patience for a machine that is busy with other tests. */
export const PATIENCE = { timeout: 10_000, interval: 20 };

/** A Buffer as something that a request can carry. */
export function bytesOf(buffer: Buffer): Bytes {
  return new Uint8Array(buffer);
}

/**
 * A multipart body.
 *
 * @param config sent as a text field; what is no text is sent as its JSON
 * @param archives the zips by file name
 * @param part the name of the zips' part
 */
export function uploadBody(config: unknown, archives: Record<string, Bytes>, part = "batch"): FormData {
  const form = new FormData();
  form.set("config", typeof config === "string" ? config : JSON.stringify(config));
  for (const [name, archive] of Object.entries(archives)) form.append(part, new Blob([archive]), name);
  return form;
}

/** The names of the artifact folders in the uploads folder, when the staging folder has been cleared. */
export async function storedArtifacts({ config }: TestApp): Promise<string[]> {
  await vi.waitFor(async () => expect(await readdir(`${config.uploadsDir}/.staging`)).toEqual([]), PATIENCE);
  return (await readdir(config.uploadsDir)).filter((name) => !name.startsWith("."));
}

/** Holds that the service knows no batch and keeps no file of any. */
export async function expectNothingKept(app: TestApp): Promise<void> {
  expect((await app.sdk.batches.list()).items).toEqual([]);
  expect(await storedArtifacts(app)).toEqual([]);
}
