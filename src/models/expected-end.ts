// When a running execution is expected to end: by what its script tells, or by how long its batch usually takes.

/** From so many percent on a script's own word counts for more than the batch's history. */
const TELLING_PERCENT = 5;

/**
 * The instant at which a run is expected to end, in ms since 1970. Null: nothing is known, or that instant has passed.
 *
 * @param percent how far it says it has come
 * @param typicalMs how long it usually takes
 */
export function expectedEnd(
  { startedAt, percent, typicalMs }: { startedAt: number; percent: number | null; typicalMs: number | null },
  now: number,
): number | null {
  const told = percent !== null && percent >= TELLING_PERCENT ? ((now - startedAt) * 100) / percent : null;
  const took = told ?? typicalMs;
  const end = took === null ? null : Math.round(startedAt + took);
  return end !== null && end > now ? end : null;
}
