// Why, for whoever asks: reads everything that bears on a batch at an instant, and has it explained.
import { In, type EntityManager } from "typeorm";
import { batchesNamed, waitState } from "../database/condition-queries.js";
import type { Database } from "../database/database.js";
import { batchFaces, linksAround } from "../database/plan-queries.js";
import { scheduledTriggers } from "../database/trigger-queries.js";
import { activeThen, hadCompleted, lastSwitches, type ThenActive } from "../database/why-queries.js";
import { Batch } from "../entities/batch.js";
import { ChainRun } from "../entities/chain-run.js";
import { Execution } from "../entities/execution.js";
import { isPlanning } from "../entities/trigger.js";
import type { Clock } from "../handlers/clock.js";
import type { ChainLink } from "../models/chain.js";
import { isFinal } from "../models/status.js";
import { explain, type Why, type WhyFacts } from "../models/why.js";
import type { BatchService } from "./batch-service.js";
import type { ExecutionService } from "./execution-service.js";
import { executionAt, planAt, type Matter } from "./why-match.js";

interface Collaborators {
  database: Database;
  batches: BatchService;
  executions: ExecutionService;
  clock: Clock;
  /** How many scripts may run at once. */
  concurrency: number;
}

/** An explanation with what it is about; `at` in ms since 1970. */
export interface Explanation {
  batch: Batch;
  at: number;
  why: Why;
  execution: Awaited<ReturnType<ExecutionService["get"]>> | null;
}

export class WhyService {
  constructor(private readonly with_: Collaborators) {}

  /**
   * Why the batch ran, did not run, or will or will not run at an instant.
   *
   * @param instant in ms since 1970; now if left out
   * @throws AppError `not_found` for an unknown batch
   */
  async explain(reference: string, instant?: number): Promise<Explanation> {
    const { batch } = await this.with_.batches.get(reference);
    const now = this.with_.clock.now();
    const at = instant ?? now;
    const facts = await this.with_.database.read((manager) => this.facts(manager, { batch, at, now }));
    const execution = facts.row ? await this.with_.executions.get(facts.row.id) : null;
    return { batch, at, why: explain(facts), execution };
  }

  private async facts(manager: EntityManager, matter: Matter): Promise<WhyFacts> {
    const { batch, at, now } = matter;
    const above = await linksAround(manager, [batch.id], "up");
    const heads = [...new Set([batch.id, ...above.map(({ predecessorId }) => predecessorId)])];
    const faces = await batchFaces(manager, heads);
    const nameOf = (id: number) => faces.get(id)?.name ?? "a deleted batch";
    const triggers = await scheduledTriggers(manager, heads);
    const plan = planAt(matter, triggers.filter(isPlanning), nameOf);
    const id = await executionAt(manager, matter, triggers, plan);
    const row = id === null ? null : await manager.findOneByOrFail(Execution, { id });
    const moment = row?.queuedAt ?? Math.min(at, now);
    const { requires, excludes } = batch.config;
    return {
      ...{ now, at, batch, row, plan, slots: this.with_.concurrency },
      disabled: await disabledAt(manager, heads, row ? row.queuedAt : at),
      predecessors: row
        ? await predecessorsOf(manager, row)
        : above
            .filter(({ successorId }) => successorId === batch.id)
            .map((link) => ({ name: nameOf(link.predecessorId), link, outcome: null })),
      active: await activeThen(manager, { at: moment, batchId: batch.id, ...(row ? { before: row.id } : {}) }),
      running: await runningBeside(manager, batch.id, row, Math.min(at, now), now),
      requires: await requiredOf(manager, requires, moment),
      excludes: await excludedOf(manager, excludes, moment),
      waits: await waitsOf(manager, row),
    };
  }
}

/** Who of these batches, the nearest first, was disabled at `at`. Where no event tells it, the batch itself does. */
async function disabledAt(manager: EntityManager, batchIds: number[], at: number): Promise<WhyFacts["disabled"]> {
  const switches = await lastSwitches(manager, batchIds, at);
  const batches = await manager.find(Batch, {
    select: { id: true, name: true, disabledAt: true },
    where: { id: In(batchIds) },
  });
  for (const id of batchIds) {
    const batch = batches.find((one) => one.id === id);
    const last = switches.get(id);
    if (!batch) continue;
    if (last?.kind === "batch.disabled") return { batch, since: last.occurredAt, by: last.actor };
    if (!last && batch.disabledAt !== null && batch.disabledAt <= at)
      return { batch, since: batch.disabledAt, by: null };
  }
  return null;
}

/** The incoming links of an execution in its chain run, with what became of each predecessor there. */
async function predecessorsOf(manager: EntityManager, row: Execution): Promise<WhyFacts["predecessors"]> {
  if (row.chainRunId === null) return [];
  const run = await manager.findOneBy(ChainRun, { id: row.chainRunId });
  const links = (run?.plan.links ?? []).filter(({ successorId }) => successorId === row.batchId);
  if (links.length === 0) return [];
  const rows = await manager.findBy(Execution, {
    chainRunId: row.chainRunId,
    batchId: In(links.map(({ predecessorId }) => predecessorId)),
  });
  return links.map((link: ChainLink) => {
    const before = rows.find(({ batchId }) => batchId === link.predecessorId);
    if (!before) return { name: "a deleted batch", link, outcome: null };
    const { id, batchName, status, exitCode, attempt } = before;
    return { name: batchName, link, outcome: { executionId: id, batchName, status, exitCode, attempt } };
  });
}

/** What ran beside the row when it started, or runs now as long as it has not. */
async function runningBeside(
  manager: EntityManager,
  batchId: number,
  row: Execution | null,
  moment: number,
  now: number,
): Promise<WhyFacts["running"]> {
  const at = row ? (row.startedAt ?? (isFinal(row.status) ? row.queuedAt : now)) : moment;
  const runs = ({ id, status }: ThenActive) => id !== row?.id && (status === "running" || status === "stopping");
  const running = (await activeThen(manager, { at, batchId: null })).filter(runs);
  return { batch: running.filter((one) => one.batchId === batchId).length, all: running.length };
}

async function requiredOf(manager: EntityManager, names: string[], at: number): Promise<WhyFacts["requires"]> {
  const found: WhyFacts["requires"] = [];
  for (const [i, batch] of (await batchesNamed(manager, names)).entries()) {
    const completed = batch !== null && (await hadCompleted(manager, batch.id, at));
    found.push({ name: batch?.name ?? names[i] ?? "", exists: batch !== null, completed });
  }
  return found;
}

async function excludedOf(manager: EntityManager, names: string[], at: number): Promise<WhyFacts["excludes"]> {
  const found: WhyFacts["excludes"] = [];
  for (const [i, batch] of (await batchesNamed(manager, names)).entries()) {
    const [active] = batch ? await activeThen(manager, { at, batchId: batch.id }) : [];
    found.push({ name: batch?.name ?? names[i] ?? "", active: active?.id ?? null });
  }
  return found;
}

async function waitsOf(manager: EntityManager, row: Execution | null): Promise<WhyFacts["waits"]> {
  const waits: WhyFacts["waits"] = [];
  for (const wait of row?.status === "waiting" ? (row.waits ?? []) : []) {
    const met = (await waitState(manager, wait)) === "met";
    waits.push({ name: wait.batchName, met, since: wait.since });
  }
  return waits;
}
