// Batches with several versions.
import type { BatchConfigInput } from "../../src/sdk/client.js";
import type { TestApp } from "./app.js";
import { zipOf, type ZipFiles } from "./zips.js";

/** The least that an archive must hold. */
export const SCRIPT: ZipFiles = { "script.sh": "echo hello\n" };

/** A service with one batch, `a`, and its versions: each of these files beside a script, the last one active. */
export async function withVersions(app: TestApp, ...versions: ZipFiles[]): Promise<void> {
  const [first, ...others] = await Promise.all(versions.map((files) => zipOf({ ...SCRIPT, ...files })));
  await app.sdk.batches.create(new Uint8Array(first ?? []), { name: "a" });
  for (const zip of others) await addVersion(app, zip);
}

/** Adds a version to the batch `a` and makes it the active one. @param changes of its config */
export async function addVersion(
  { sdk }: TestApp,
  zip: Buffer,
  changes: Partial<BatchConfigInput> = {},
): Promise<void> {
  const { config } = await sdk.batches.get("a");
  const isEdit = Object.keys(changes).length > 0;
  await sdk.versions.create("a", new Uint8Array(zip), isEdit ? { config: { ...config, ...changes } } : {});
}
