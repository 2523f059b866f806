// What the runner reads of the database before a start.
import { In, type EntityManager } from "typeorm";
import { Execution } from "../entities/execution.js";
import type { BatchConfig } from "../models/batch-config.js";

export interface RunMaterial {
  config: BatchConfig;
  /** The artifact store's key of the version to run. */
  storageKey: string;
  /** The results of the predecessors whose output it receives; of a name given twice the later predecessor's counts. */
  results: Record<string, string>;
}

const MATERIAL = `
  SELECT COALESCE(r.config, b.config) AS config, a.storageKey AS storageKey
  FROM batches b JOIN artifacts a ON a.batchId = b.id
  LEFT JOIN config_revisions r ON r.batchId = b.id AND r.number = ?
  WHERE b.id = ? AND a.version = ?`;

/** Everything that starting `execution` needs; null if its batch or artifact is gone. */
export async function runMaterial(manager: EntityManager, execution: Execution): Promise<RunMaterial | null> {
  const { batchId, version, configRevision, inputs } = execution;
  const values = [configRevision, batchId, version];
  const [row]: { config: string; storageKey: string }[] = await manager.query(MATERIAL, values);
  if (!row) return null;
  const results: Record<string, string> = {};
  if (inputs.length > 0) {
    const rows = await manager.find(Execution, {
      select: { id: true, results: true },
      where: { id: In(inputs.map(({ executionId }) => executionId)) },
    });
    const byId = new Map(rows.map((predecessor) => [predecessor.id, predecessor.results]));
    for (const { executionId } of inputs) Object.assign(results, byId.get(executionId));
  }
  return { config: JSON.parse(row.config) as BatchConfig, storageKey: row.storageKey, results };
}
