// The upload desk: every upload, of whatever kind, is taken apart, checked and then kept as a whole, or nothing of it is.
import { In } from "typeorm";
import type { Database } from "../database/database.js";
import type { Transaction } from "../database/transaction.js";
import { Artifact } from "../entities/artifact.js";
import type {
  ArtifactStore,
  ReceivedFile,
  StagedArtifact,
  StoredArtifact,
} from "../handlers/artifact-store/artifact-store.js";
import type { Clock } from "../handlers/clock.js";
import type { Logger } from "../handlers/logger.js";
import type { Actor } from "../models/actor.js";
import type { BatchConfig } from "../models/batch-config.js";
import { hasErrors, type Finding } from "../models/finding.js";
import { uploadReport, type Change, type UploadReport, type UploadWish } from "../models/upload.js";
import type { Conclude } from "./idempotency-service.js";
import { uploadRefusal } from "./refusal.js";

/** What of an upload depends on its kind. */
export interface UploadOrder<T> {
  /** The configs as they came; those that cannot be used left out. */
  configs: BatchConfig[];
  /** What is wrong with the configs. */
  findings: Finding[];
  /** In the order of the configs. */
  archives: ReceivedFile[];
  /** Holds it against what the database has, as part of a transaction that may be rolled back. */
  check(transaction: Transaction): Promise<Checked<T>>;
}

export interface Checked<T> {
  findings: Finding[];
  /** The configs as they would be, where that is not settled before. */
  configs?: BatchConfig[];
  /** Writes all rows of it. Called only if nothing of the upload is wrong. */
  write(artifacts: StoredArtifact[]): Promise<Written<T>>;
}

export interface Written<T> {
  result: T;
  changes: Change[];
  /** True: the same content was there already, so that these artifacts are not needed. */
  known?: boolean;
}

/** Who uploads, and what for. */
export interface Circumstances<T> {
  actor: Actor;
  wish: UploadWish;
  /** Part of the transaction that keeps the upload. */
  conclude: Conclude<T>;
}

/** What an upload has come to: it was kept, or only checked. */
export type UploadOutcome<T> = { made: T } | { report: UploadReport };

interface Collaborators {
  database: Database;
  artifacts: ArtifactStore;
  clock: Clock;
  logger: Logger;
}

/** Ends a transaction that was only a trial, and carries what it brought. */
class TrialOver<T> extends Error {
  constructor(readonly yields: T) {
    super("a trial");
  }
}

export class UploadDesk {
  constructor(private readonly with_: Collaborators) {}

  /**
   * Keeps an upload, or only checks it.
   *
   * @throws AppError with the report, if anything of it is wrong and it was to be kept
   */
  async handle<T>(order: UploadOrder<T>, { wish, conclude }: Circumstances<T>): Promise<UploadOutcome<T>> {
    const staged: StagedArtifact[] = [];
    try {
      for (const archive of order.archives) staged.push(await this.with_.artifacts.stage(archive));
      const findings = [...order.findings, ...staged.flatMap((one) => one.findings)];
      if (!wish.dryRun && !hasErrors(findings)) return { made: await this.keep(order, staged, conclude) };
      const report = await this.tryOut(order, { staged, findings, from: wish.from ?? this.with_.clock.now() });
      if (wish.dryRun) return { report };
      throw uploadRefusal(report);
    } finally {
      await Promise.allSettled(staged.map((one) => one.discard()));
    }
  }

  /** Checks everything, and writes it for trial where nothing is wrong: what is reported is what would be done. */
  private async tryOut<T>(
    order: UploadOrder<T>,
    { staged, findings: before, from }: { staged: StagedArtifact[]; findings: Finding[]; from: number },
  ): Promise<UploadReport> {
    const trial = async (transaction: Transaction) => {
      const checked = await order.check(transaction);
      const { configs = order.configs } = checked;
      const findings = [...before, ...checked.findings];
      if (hasErrors(findings)) throw new TrialOver(uploadReport(findings, { configs, changes: [], from }));
      const { changes } = await checked.write(staged.flatMap(({ facts }) => (facts ? [{ key: "", ...facts }] : [])));
      throw new TrialOver(uploadReport(findings, { configs, changes, from }));
    };
    return this.with_.database.write<UploadReport>(trial).catch((error: unknown) => {
      if (error instanceof TrialOver) return error.yields as UploadReport;
      throw error;
    });
  }

  private async keep<T>(order: UploadOrder<T>, staged: StagedArtifact[], conclude: Conclude<T>): Promise<T> {
    const stored: StoredArtifact[] = [];
    try {
      for (const one of staged) stored.push(await one.publish());
      const { result, known } = await this.with_.database.write(async (transaction) => {
        const checked = await order.check(transaction);
        if (hasErrors(checked.findings)) throw uploadRefusal(this.reportOn(order, staged, checked));
        const written = await checked.write(stored);
        await conclude(transaction, written.result);
        return written;
      });
      if (known) await this.clear(stored);
      return result;
    } catch (error) {
      await this.clear(stored);
      throw error;
    } finally {
      await Promise.allSettled(stored.map(({ key }) => this.with_.artifacts.settle(key)));
    }
  }

  private reportOn<T>(order: UploadOrder<T>, staged: StagedArtifact[], checked: Checked<T>): UploadReport {
    const findings = [...order.findings, ...staged.flatMap((one) => one.findings), ...checked.findings];
    const { configs = order.configs } = checked;
    return uploadReport(findings, { configs, changes: [], from: this.with_.clock.now() });
  }

  /**
   * Removes those of the artifacts that no row names. The rows decide, for a commit may have succeeded whose answer was
   * lost; if they cannot be read, the sweep of the next start does it.
   */
  private async clear(stored: StoredArtifact[]): Promise<void> {
    const { artifacts, database, logger } = this.with_;
    const keys = stored.map(({ key }) => key);
    try {
      const rows = await database.read((manager) => manager.findBy(Artifact, { storageKey: In(keys) }));
      const kept = new Set(rows.map(({ storageKey }) => storageKey));
      await Promise.all(keys.filter((key) => !kept.has(key)).map((key) => artifacts.remove(key)));
    } catch (error) {
      logger.warn({ err: error }, "files of an upload that failed were left; the next start removes them");
    }
  }
}
