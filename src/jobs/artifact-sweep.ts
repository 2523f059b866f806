// The sweep at start: the uploads folder and the rows of artifacts are held against each other, both ways.
import type { Database } from "../database/database.js";
import { Artifact } from "../entities/artifact.js";
import { Batch } from "../entities/batch.js";
import type { ArtifactStore } from "../handlers/artifact-store/artifact-store.js";
import type { Logger } from "../handlers/logger.js";

interface Collaborators {
  database: Database;
  artifacts: ArtifactStore;
  logger: Logger;
}

/** More versions without files than this are counted, not named. */
const MAX_NAMED = 20;

export class ArtifactSweep {
  constructor(private readonly with_: Collaborators) {}

  /**
   * Removes what uploads have left that never ended: files in staging, and artifacts without a row. A version whose files
   * are gone is named in the server log; its executions end with that reason.
   */
  async run(): Promise<void> {
    const { artifacts, database, logger } = this.with_;
    // The folder comes first: what is published and committed after it has been listed is not judged at all.
    const idle = await artifacts.sweepStaging();
    const rows = await database.read((manager) =>
      manager.find(Artifact, { select: { id: true, batchId: true, version: true, storageKey: true } }),
    );
    const known = new Set(rows.map(({ storageKey }) => storageKey));
    const orphans = idle.filter((key) => !known.has(key));
    for (const key of orphans) await artifacts.remove(key);
    if (orphans.length > 0) logger.info({ artifacts: orphans.length }, "removed what uploads had left behind");
    const there = new Set(idle);
    await this.nameMissing(rows.filter(({ storageKey }) => !there.has(storageKey)));
  }

  private async nameMissing(suspects: Artifact[]): Promise<void> {
    const { artifacts, database, logger } = this.with_;
    const missing: Artifact[] = [];
    for (const row of suspects) if (!(await artifacts.has(row.storageKey))) missing.push(row);
    for (const { id, batchId, version } of missing.slice(0, MAX_NAMED)) {
      // It may have been deleted since the rows were read.
      const batch = await database.read(async (manager) =>
        (await manager.existsBy(Artifact, { id })) ? manager.findOneBy(Batch, { id: batchId }) : null,
      );
      if (batch) logger.warn({ batch: batch.name, version }, "the files of this version are gone from UPLOADS_DIR");
    }
    if (missing.length > MAX_NAMED) logger.warn({ versions: missing.length }, "so many versions have lost their files");
  }
}
