// Further versions of a batch, made without their route: to be replaced by the client's call once there is one.
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Database } from "../../src/database/database.js";
import { Artifact } from "../../src/entities/artifact.js";
import { Batch } from "../../src/entities/batch.js";
import { ConfigRevision } from "../../src/entities/config-revision.js";
import { ArtifactStore } from "../../src/handlers/artifact-store/artifact-store.js";
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

/** Adds a version to the batch `a` and makes it the active one. @param changes of its config; a new revision */
export async function addVersion({ config: { databaseUrl, uploadsDir }, clock }: TestApp, zip: Buffer, changes = {}) {
  const store = new ArtifactStore({ folder: uploadsDir, clock });
  const upload = join(store.stagingFolder, randomUUID());
  await writeFile(upload, zip);
  const { key: storageKey, ...facts } = await store.put(upload);
  const database = await Database.open(databaseUrl);
  await database.write(async ({ manager }) => {
    const { id: batchId, ...batch } = await manager.findOneByOrFail(Batch, { name: "a" });
    const [createdAt, createdBy] = [clock.now(), { kind: "token" as const, name: "ci" }];
    const version = batch.version + 1;
    const configRevision = batch.configRevision + (Object.keys(changes).length > 0 ? 1 : 0);
    const config = { ...batch.config, ...changes };
    if (configRevision > batch.configRevision) {
      await manager.insert(ConfigRevision, { batchId, number: configRevision, config, createdAt, createdBy });
    }
    const row = { batchId, version, configRevision, storageKey, fileName: `a-${version}.zip`, createdAt, createdBy };
    await manager.insert(Artifact, { ...row, ...facts });
    await manager.update(Batch, { id: batchId }, { version, configRevision, config });
  });
  await database.close();
}
