// Which batches an uploaded batch follows: the one before it in the upload, those named in `after`, or a given one.
import { In, type EntityManager } from "typeorm";
import { lockedForUpdate } from "../database/locks.js";
import { nameKeyOf } from "../database/name-key.js";
import { Batch } from "../entities/batch.js";
import { AppError, type Fault } from "../errors.js";
import type { Finding } from "../models/finding.js";
import { scheduleOf, type BatchConfig } from "../models/batch-config.js";
import { findCircle, withdrawn, type Edge } from "../models/chain.js";
import { foldName } from "../models/name.js";
import { configFinding } from "./refusal.js";

/** Where the uploaded configs stand in the request, and what they are to follow. */
export interface UploadPlace {
  /** An existing batch that the first one follows. */
  attachTo?: number;
  /** JSON pointer of a config inside the request: `` for a single one, `/1` in an array. */
  pointerOf: (index: number) => string;
}

export interface LinkPlan {
  /** The links to make, in link order. Ids are of existing batches, or stand for uploads: see `placeholder`. */
  edges: Edge[];
  /** The uploads, as placeholders, that come after a disabled batch. */
  withdrawn: Set<number>;
  /** Every unknown name, every schedule on a batch that follows another, and the circle if there is one. */
  findings: Finding[];
}

/** The id that stands for an upload until its row exists. */
export function placeholder(index: number): number {
  return -1 - index;
}

/**
 * Settles what every upload follows.
 *
 * @throws AppError `not_found` if the batch to attach to is gone
 */
export async function planLinks(
  manager: EntityManager,
  configs: BatchConfig[],
  { attachTo, pointerOf }: UploadPlace,
): Promise<LinkPlan> {
  const faults: Fault[] = [];
  const existing = await existingBatches(manager, configs, attachTo);
  // It may have been deleted while the archive was being taken in.
  if (attachTo !== undefined && !existing.some(({ id }) => id === attachTo))
    throw new AppError("not_found", `There is no batch with the id or name "${attachTo}".`);
  const byName = new Map(existing.map((batch) => [batch.nameKey, batch.id]));
  configs.forEach(({ name }, i) => byName.set(nameKeyOf(name), placeholder(i)));
  const edges: Edge[] = [];
  configs.forEach((config, i) => {
    const predecessors = new Set<number>();
    if (i === 0 && attachTo !== undefined) predecessors.add(attachTo);
    else if (i > 0 && !config.after) predecessors.add(placeholder(i - 1));
    config.after?.forEach((name, place) => {
      const id = byName.get(nameKeyOf(name));
      if (id !== undefined) predecessors.add(id);
      else faults.push({ pointer: `${pointerOf(i)}/after/${place}`, message: `there is no batch named "${name}"` });
    });
    if (predecessors.size > 0) faults.push(...scheduleFaults(config, pointerOf(i)));
    for (const predecessorId of predecessors) edges.push({ predecessorId, successorId: placeholder(i) });
  });
  refuseCircle(edges, configs, pointerOf, faults);
  const disabled = existing.filter((batch) => !batch.enabled).map(({ id }) => id);
  return { edges, withdrawn: withdrawn(disabled, edges), findings: faults.map((fault) => configFinding(fault)) };
}

/** What is wrong with the schedule of a batch that follows another: that it has one. */
export function scheduleFaults(config: BatchConfig, pointer: string): Fault[] {
  if (!scheduleOf(config)) return [];
  const key = (["cron", "at", "every"] as const).find((candidate) => config[candidate] !== undefined) ?? "cron";
  const message = "a batch that follows another is started by it and has no schedule of its own; leave it out";
  return [{ pointer: `${pointer}/${key}`, message }];
}

async function existingBatches(manager: EntityManager, configs: BatchConfig[], attachTo?: number): Promise<Batch[]> {
  const own = new Set(configs.map(({ name }) => foldName(name)));
  const named = configs.flatMap(({ after }) => after ?? []).filter((name) => !own.has(foldName(name)));
  if (named.length === 0 && attachTo === undefined) return [];
  const where = [{ nameKey: In(named.map(nameKeyOf)) }, { id: attachTo ?? 0 }];
  return manager.find(Batch, { where, ...lockedForUpdate(manager) });
}

/** Only uploads can be part of one: no existing batch gets a new predecessor here. */
function refuseCircle(
  edges: Edge[],
  configs: BatchConfig[],
  pointerOf: UploadPlace["pointerOf"],
  faults: Fault[],
): void {
  const circle = findCircle(edges);
  if (!circle) return;
  const names = circle.map((id) => `"${configs[-1 - id]?.name ?? ""}"`);
  const message = `closes a circle: ${names.join(" is followed by ")}; a chain must have a beginning and an end`;
  faults.push({ pointer: `${pointerOf(-1 - (circle[0] ?? -1))}/after`, message });
}
