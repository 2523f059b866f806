// A trigger by its id; plain words if there is none, or if it is not the one that somebody has seen.
import type { EntityManager } from "typeorm";
import { selectByIds } from "../database/plain.js";
import { Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";

/** @param lock true: nobody else may change it until the transaction ends @throws AppError `not_found` */
export async function triggerById(manager: EntityManager, id: number, { lock = false } = {}): Promise<Trigger> {
  const [trigger] = await selectByIds(manager, Trigger, [id], { lock });
  if (trigger) return trigger;
  throw new AppError("not_found", `There is no trigger ${id}.`);
}

/** The entity tag of a trigger: another one after every edit of it. */
export function triggerEtag({ id, revision }: Pick<Trigger, "id" | "revision">): string {
  return `"${id}-${revision}"`;
}
