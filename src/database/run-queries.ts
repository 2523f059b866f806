// What the runner reads of the database before a start.
import { In, type EntityManager } from "typeorm";
import { Artifact } from "../entities/artifact.js";
import { Execution } from "../entities/execution.js";
import type { BatchConfig } from "../models/batch-config.js";

export interface RunMaterial {
  config: BatchConfig;
  /** The artifact store's key of the version to run. */
  storageKey: string;
  /** The results of the predecessors whose output it receives; of a name given twice the later predecessor's counts. */
  results: Record<string, string>;
}

/** Everything that starting `execution` needs; null if its batch or artifact is gone. */
export async function runMaterial(manager: EntityManager, execution: Execution): Promise<RunMaterial | null> {
  const { batchId, version, inputs } = execution;
  const artifact = await manager
    .createQueryBuilder(Artifact, "a")
    .innerJoin("a.batch", "b")
    .select(["a.id", "a.storageKey", "b.id", "b.config"])
    .where("a.batchId = :batchId AND a.version = :version", { batchId, version })
    .getOne();
  if (!artifact?.batch) return null;
  const results: Record<string, string> = {};
  if (inputs.length > 0) {
    const rows = await manager.find(Execution, {
      select: { id: true, results: true },
      where: { id: In(inputs.map(({ executionId }) => executionId)) },
    });
    const byId = new Map(rows.map((row) => [row.id, row.results]));
    for (const { executionId } of inputs) Object.assign(results, byId.get(executionId));
  }
  return { config: artifact.batch.config, storageKey: artifact.storageKey, results };
}
