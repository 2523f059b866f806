// A batch by the id or name that somebody gave; plain words if there is none, or if it is not the one they have seen.
import type { EntityManager } from "typeorm";
import { findBatch } from "../database/batch-queries.js";
import type { Batch } from "../entities/batch.js";
import { AppError } from "../errors.js";

/**
 * The batch of this id or unique name.
 *
 * @param lock true: nobody else may change it until the transaction ends
 * @throws AppError `not_found`
 */
export async function namedBatch(
  manager: EntityManager,
  reference: string | number,
  options: { lock?: boolean } = {},
): Promise<Batch> {
  return (await findBatch(manager, reference, options)) ?? noBatch(reference);
}

export function noBatch(reference: string | number): never {
  throw new AppError("not_found", `There is no batch with the id or name "${reference}".`);
}

/** The entity tag of a batch (RFC 9110, section 8.8.3): another one after every change of it. */
export function batchEtag({ id, revision }: Pick<Batch, "id" | "revision">): string {
  return `"${id}-${revision}"`;
}

/**
 * Holds a request against what it was made for.
 *
 * @param ifMatch the header If-Match (RFC 9110, section 13.1.1); undefined: whatever there is
 * @throws AppError `precondition_failed` if `etag` is not among those that it names
 */
export function refuseStale(etag: string, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === "*") return;
  if (ifMatch.split(",").some((one) => one.trim() === etag)) return;
  const message = `It has changed since you read it: it is ${etag} now. Read it again, and decide whether your change still fits.`;
  throw new AppError("precondition_failed", message, { reason: "stale" });
}
