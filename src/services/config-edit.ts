// Edits of a batch's config: checked against all other batches, and followed by everything that the config settles.
import { In, Not, type EntityManager } from "typeorm";
import { batchesThatName } from "../database/batch-queries.js";
import { nameKeyOf } from "../database/name-key.js";
import type { Transaction } from "../database/transaction.js";
import { Batch } from "../entities/batch.js";
import { Link } from "../entities/link.js";
import type { Fault } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import type { Actor } from "../models/actor.js";
import { linkOptions, type BatchConfig } from "../models/batch-config.js";
import { descendants, type Edge } from "../models/chain.js";
import type { Finding } from "../models/finding.js";
import { sameJson } from "../models/merge-patch.js";
import { foldName } from "../models/name.js";
import type { Change } from "../models/upload.js";
import type { ConfigWriter } from "./config-writer.js";
import type { Enablement } from "./enablement.js";
import { scheduleFaults } from "./predecessors.js";
import { configFinding } from "./refusal.js";
import { takenNames } from "./registration.js";
import { canFire, type Replanning } from "./replanning.js";

interface Collaborators {
  configs: ConfigWriter;
  replanning: Replanning;
  enablement: Enablement;
  events: EventLog;
  clock: Clock;
}

/** An edit that was checked. */
export interface CheckedEdit {
  findings: Finding[];
  changes: Change[];
  /** Carries it out. Called only if nothing is wrong; does nothing if nothing changes. */
  write(): Promise<void>;
}

/** The keys in which a config names other batches. */
const NAMING = ["after", "requires", "excludes", "waitFor"] as const;

export class ConfigEdit {
  constructor(private readonly with_: Collaborators) {}

  /**
   * Holds a config against what there is.
   *
   * @param batch locked by the transaction; brought up to date when the edit is written
   */
  async check(transaction: Transaction, batch: Batch, config: BatchConfig, actor: Actor): Promise<CheckedEdit> {
    const { manager } = transaction;
    const keys = changedKeys(batch.config, config);
    if (keys.length === 0) return { findings: [], changes: [], write: () => Promise.resolve() };
    const { faults, predecessors } = await this.predecessorsOf(manager, batch, config);
    // One that was there before may be gone by now: that is no fault of this edit.
    faults.push(...(await missingReferences(manager, config, keys)));
    if (predecessors.length > 0) faults.push(...scheduleFaults(config, ""));
    if (await closesCircle(manager, batch, config, predecessors)) {
      const message = "closes a circle: following and waiting, it would come after itself and never run";
      faults.push({ pointer: keys.includes("after") ? "/after" : "/waitFor", message });
    }
    const findings = faults.map((fault) => configFinding(fault));
    findings.push(...(await takenNames(manager, [{ name: config.name, pointer: "/name" }], batch.id)));
    if (keys.some((key) => SCHEDULE.includes(key)) && !canFire(config, this.with_.clock.now()))
      findings.push(configFinding({ pointer: "/at", message: "never fires: its instant has passed" }, "never_fires"));
    const changes = keys.map((key) => changeOf(key, batch.config, config));
    return { findings, changes, write: () => this.write(transaction, { batch, config, keys, predecessors, actor }) };
  }

  private async write(transaction: Transaction, { batch, config, keys, predecessors, actor }: Edit): Promise<void> {
    const { configs, enablement, events, replanning } = this.with_;
    const { name: oldName } = batch;
    await replanning.settle(transaction, batch);
    await configs.revise(transaction, batch, config, actor);
    if (oldName !== config.name) await this.renameElsewhere(transaction, oldName, config.name, actor);
    await relink(transaction.manager, batch, predecessors);
    if (keys.includes("after")) {
      await enablement.settle(transaction);
      Object.assign(batch, await transaction.manager.findOneByOrFail(Batch, { id: batch.id }));
    }
    await replanning.follow(transaction, batch);
    const subject = { type: "batch" as const, id: batch.id, name: batch.name };
    const payload = { keys: keys.join(", "), configRevision: batch.configRevision };
    await events.append(transaction, { kind: "batch.edited", subject, source: "api", actor, payload });
  }

  /** Who it is to follow: as before, unless `after` says something else now. */
  private async predecessorsOf(manager: EntityManager, batch: Batch, config: BatchConfig): Promise<Predecessors> {
    if (sameJson(batch.config.after, config.after)) {
      const links = await manager.find(Link, { where: { successorId: batch.id }, order: { id: "ASC" } });
      return { faults: [], predecessors: links.map(({ predecessorId }) => predecessorId) };
    }
    const names = config.after ?? [];
    const ids = await idsByKey(manager, names);
    const faults = unknownNames(names, ids, "/after");
    return { faults, predecessors: [...new Set(names.flatMap((name) => ids.get(nameKeyOf(name)) ?? []))] };
  }

  /** Other configs speak of it by its name: they must not lose it. */
  private async renameElsewhere(transaction: Transaction, from: string, to: string, actor: Actor): Promise<void> {
    for (const other of await batchesThatName(transaction.manager)) {
      const renamed = (names: string[]) => names.map((name) => (foldName(name) === foldName(from) ? to : name));
      const lists = NAMING.flatMap((key) => {
        const names = other.config[key];
        return names?.some((name) => foldName(name) === foldName(from)) ? [[key, renamed(names)] as const] : [];
      });
      if (lists.length === 0) continue;
      await this.with_.configs.revise(transaction, other, { ...other.config, ...Object.fromEntries(lists) }, actor);
    }
  }
}

interface Edit {
  batch: Batch;
  config: BatchConfig;
  /** Those that change. */
  keys: string[];
  predecessors: number[];
  actor: Actor;
}

interface Predecessors {
  faults: Fault[];
  predecessors: number[];
}

const SCHEDULE = ["cron", "at", "every", "timeZone", "dst"];

function changedKeys(from: BatchConfig, to: BatchConfig): string[] {
  const keys = new Set([...Object.keys(from), ...Object.keys(to)] as (keyof BatchConfig)[]);
  return [...keys].filter((key) => !sameJson(from[key], to[key]));
}

function changeOf(key: string, from: BatchConfig, to: BatchConfig): Change {
  const [before, after] = [from, to].map((config) => {
    const value = config[key as keyof BatchConfig];
    const text = value === undefined ? "nothing" : JSON.stringify(value);
    return text.length > 200 ? `${text.slice(0, 200)}…` : text;
  });
  return { code: "config_changed", text: `${key} changes from ${before ?? ""} to ${after ?? ""}.` };
}

async function idsByKey(manager: EntityManager, names: string[]): Promise<Map<string, number>> {
  const found = await manager.findBy(Batch, { nameKey: In(names.map(nameKeyOf)) });
  return new Map(found.map(({ nameKey, id }) => [nameKey, id]));
}

function unknownNames(names: string[], ids: ReadonlyMap<string, number>, pointer: string): Fault[] {
  return names.flatMap((name, i) => {
    return ids.has(nameKeyOf(name))
      ? []
      : [{ pointer: `${pointer}/${i}`, message: `there is no batch named "${name}"` }];
  });
}

async function missingReferences(manager: EntityManager, config: BatchConfig, changed: string[]): Promise<Fault[]> {
  const keys = (["requires", "waitFor"] as const).filter((key) => changed.includes(key));
  const ids = await idsByKey(
    manager,
    keys.flatMap((key) => config[key]),
  );
  return keys.flatMap((key) => unknownNames(config[key], ids, `/${key}`));
}

/** Whether the batch would come after itself, be it as a successor or because it waits. */
async function closesCircle(
  manager: EntityManager,
  batch: Batch,
  config: BatchConfig,
  predecessors: number[],
): Promise<boolean> {
  const links: Edge[] = await manager.findBy(Link, { successorId: Not(batch.id) });
  const waiting = (await batchesThatName(manager)).filter(({ id }) => id !== batch.id);
  const names = [...waiting.flatMap((other) => other.config.waitFor), ...config.waitFor];
  const ids = await idsByKey(manager, names);
  const waits = [{ id: batch.id, config }, ...waiting].flatMap(({ id: successorId, config: { waitFor } }) =>
    waitFor.flatMap((name): Edge[] => {
      const predecessorId = ids.get(nameKeyOf(name));
      return predecessorId === undefined ? [] : [{ predecessorId, successorId }];
    }),
  );
  const own = predecessors.map((predecessorId) => ({ predecessorId, successorId: batch.id }));
  return descendants(batch.id, [...links, ...own, ...waits]).has(batch.id);
}

/** Brings the links to a batch in line with its config. */
async function relink(
  manager: EntityManager,
  { id: successorId, config }: Batch,
  predecessors: number[],
): Promise<void> {
  const present = await manager.findBy(Link, { successorId });
  const options = linkOptions(config);
  for (const { id, predecessorId } of present) {
    if (predecessors.includes(predecessorId)) await manager.update(Link, { id }, options);
    else await manager.delete(Link, { id });
  }
  const linked = present.map(({ predecessorId }) => predecessorId);
  for (const predecessorId of predecessors.filter((id) => !linked.includes(id)))
    await manager.insert(Link, { predecessorId, successorId, ...options, version: null });
}
