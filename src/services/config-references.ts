// What uploaded configs say of other batches: those that are required or awaited must exist, and no waiting goes in a circle.
import { In, type EntityManager } from "typeorm";
import { lockedForUpdate } from "../database/locks.js";
import { nameKeyOf } from "../database/name-key.js";
import { Batch } from "../entities/batch.js";
import type { Fault } from "../errors.js";
import type { BatchConfig } from "../models/batch-config.js";
import { findCircle, type Edge } from "../models/chain.js";
import type { Finding } from "../models/finding.js";
import { placeholder, type UploadPlace } from "./predecessors.js";
import { configFinding } from "./refusal.js";

/** The names in these must be of batches; those in `excludes` may come later. */
const KEYS = ["requires", "waitFor"] as const;

type Named = Pick<BatchConfig, "name" | "waitFor">;

/**
 * Checks the names in `requires` and `waitFor`, as part of the upload's transaction: what they name cannot go meanwhile.
 *
 * @param edges the links that the upload makes; its own batches as placeholders. Who comes after another waits for it too
 * @returns every name that is none of a batch here or in this upload, and the circle if there is one
 */
export async function checkReferences(
  manager: EntityManager,
  configs: BatchConfig[],
  edges: Edge[],
  { pointerOf }: UploadPlace,
): Promise<Finding[]> {
  const known = new Map<string, Named>(configs.map((config) => [nameKeyOf(config.name), config]));
  await addReachable(
    manager,
    known,
    configs.flatMap((config) => KEYS.flatMap((key) => config[key])),
  );
  const faults: Fault[] = [];
  configs.forEach((config, i) => {
    for (const key of KEYS) {
      config[key].forEach((name, place) => {
        if (known.has(nameKeyOf(name))) return;
        faults.push({ pointer: `${pointerOf(i)}/${key}/${place}`, message: `there is no batch named "${name}"` });
      });
    }
  });
  const circle = circleOf([...known.values()], edges);
  if (circle.length > 0) {
    const first = Math.max(
      0,
      configs.findIndex((config) => circle.includes(config.name)),
    );
    const message = `closes a circle in which each waits for the next and none would ever run: ${inWords(circle)}`;
    faults.push({ pointer: `${pointerOf(first)}/waitFor`, message });
  }
  return faults.map((fault) => configFinding(fault));
}

/** Adds the existing batches of these names, and whatever they wait for in their turn: an old name may have come back. */
async function addReachable(manager: EntityManager, known: Map<string, Named>, names: string[]): Promise<void> {
  const asked = new Set(known.keys());
  for (let open = names.map(nameKeyOf); open.length > 0;) {
    const keys = [...new Set(open)].filter((key) => !asked.has(key));
    if (keys.length === 0) return;
    for (const key of keys) asked.add(key);
    const batches = await manager.find(Batch, { where: { nameKey: In(keys) }, ...lockedForUpdate(manager) });
    for (const batch of batches) known.set(batch.nameKey, { ...batch.config, name: batch.name });
    open = batches.flatMap(({ config }) => config.waitFor.map(nameKeyOf));
  }
}

/** The names along a circle of waiting, the first repeated at the end; empty if there is none. The uploaded come first. */
function circleOf(batches: Named[], links: Edge[]): string[] {
  const places = new Map(batches.map((_, place) => [placeholder(place), place]));
  const linked = links.flatMap(({ predecessorId, successorId }): Edge[] => {
    const [before, after] = [places.get(predecessorId), places.get(successorId)];
    return before === undefined || after === undefined ? [] : [{ predecessorId: before, successorId: after }];
  });
  const idOf = new Map(batches.map(({ name }, id) => [nameKeyOf(name), id]));
  const edges = batches.flatMap(({ waitFor }, successorId) =>
    waitFor.flatMap((name): Edge[] => {
      const predecessorId = idOf.get(nameKeyOf(name));
      return predecessorId === undefined ? [] : [{ predecessorId, successorId }];
    }),
  );
  // The circle goes from awaited to waiting; said the other way round it reads as people think.
  return (findCircle([...edges, ...linked]) ?? []).toReversed().map((id) => batches[id]?.name ?? "");
}

function inWords(circle: string[]): string {
  return circle.map((name) => `"${name}"`).join(" waits for ");
}
