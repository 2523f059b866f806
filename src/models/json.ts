// What JSON from outside may not be like, whatever it means.

/** Deeper than anybody writes by hand; far from where checking it, or writing it again, would overflow the stack. */
const MAX_DEPTH = 64;

/**
 * Why a parsed document cannot be taken, in words that follow "it"; null if it can.
 *
 * Walks level by level, not by recursion, because the parser takes any depth.
 */
export function explainJson(document: unknown): string | null {
  let level: unknown[] = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels; flatten it`;
    const objects = level.filter((value): value is object => typeof value === "object" && value !== null);
    level = objects.flatMap((value) => Object.values(value) as unknown[]);
  }
  return null;
}
