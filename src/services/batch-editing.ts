// Edits of batches, for whoever asks: a patch of the config becomes a new config revision, and the plan follows.
import type { Database } from "../database/database.js";
import type { Transaction } from "../database/transaction.js";
import type { Clock } from "../handlers/clock.js";
import { mergePatch, sameJson } from "../models/merge-patch.js";
import { batchDetails, type BatchDetails } from "./batch-details.js";
import type { ConfigEdit } from "./config-edit.js";
import { batchEtag, namedBatch, refuseStale } from "./named-batch.js";
import { checkConfig } from "./upload-config.js";
import type { Checked, Circumstances, UploadDesk, UploadOutcome } from "./upload-desk.js";

interface Collaborators {
  database: Database;
  uploads: UploadDesk;
  edits: ConfigEdit;
  clock: Clock;
  /** The shortest time between two planned runs. */
  minIntervalMs: number;
}

/** What is to be edited, and how. */
export interface BatchPatch {
  /** Id or name of the batch. */
  reference: string;
  /** A merge patch (RFC 7396) of the config. */
  patch: unknown;
  /** The header If-Match. */
  ifMatch: string | undefined;
}

export class BatchEditing {
  constructor(private readonly with_: Collaborators) {}

  /**
   * Edits a batch's config, or only checks the edit.
   *
   * @throws AppError `precondition_failed` if the batch has changed since it was read; else as an upload is refused
   */
  async edit(patch: BatchPatch, circumstances: Circumstances<BatchDetails>): Promise<UploadOutcome<BatchDetails>> {
    const check = (transaction: Transaction) => this.check(transaction, patch, circumstances);
    return this.with_.uploads.handle({ configs: [], findings: [], archives: [], check }, circumstances);
  }

  private async check(
    transaction: Transaction,
    { reference, patch, ifMatch }: BatchPatch,
    { actor }: Circumstances<BatchDetails>,
  ): Promise<Checked<BatchDetails>> {
    const { clock, edits, minIntervalMs } = this.with_;
    const { manager } = transaction;
    const batch = await namedBatch(manager, reference, { lock: true });
    refuseStale(batchEtag(batch), ifMatch);
    const merged = mergePatch(batch.config, patch);
    // An instant that has passed since is no fault as long as it is left alone.
    const untouched = sameJson((merged as { at?: unknown }).at, batch.config.at);
    const rules = { now: clock.now(), minIntervalMs, ...(untouched ? { atAfter: -Infinity } : {}) };
    const { config, findings } = checkConfig(merged, "", rules);
    if (!config) return { findings, configs: [], write: () => Promise.reject(new Error("a refused edit was written")) };
    const edit = await edits.check(transaction, batch, config, actor);
    const write = async () => {
      await edit.write();
      const [result] = await batchDetails(manager, [batch], clock.now());
      return { result: result as BatchDetails, changes: edit.changes };
    };
    return { findings: [...findings, ...edit.findings], configs: [config], write };
  }
}
