// From a schema's complaints to faults that a person can mend: pointer, sentence, and a hint for a mistyped key.
import type { z } from "zod";
import type { Fault } from "../errors.js";

/** More faults than this help nobody, and ten thousand unknown keys would make a huge answer. */
const MAX_FAULTS = 100;
const MAX_SHOWN_KEY = 200;

/** A step of a JSON pointer (RFC 6901): `~` and `/` inside a key are escaped; a very long key is cut. */
export function pointerStep(key: PropertyKey): string {
  const name = String(key);
  const shown = name.length > MAX_SHOWN_KEY ? `${name.slice(0, MAX_SHOWN_KEY)}…` : name;
  return `/${shown.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** How many single-character edits lie between two words (Levenshtein's distance). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of a.split("").entries()) {
    const next = [i + 1];
    for (const [j, other] of b.split("").entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function hint(key: string, known: readonly string[]): string {
  const word = key.slice(0, 40).toLowerCase();
  const near = known
    .map((candidate) => ({ candidate, edits: distance(word, candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  if (near && near.edits <= Math.max(2, Math.floor(word.length / 3))) return `did you mean ${near.candidate}?`;
  return known.length > 0 ? `known keys are ${known.join(", ")}` : "no key is known here";
}

/**
 * One fault per complaint, a hundred at most.
 *
 * @param pointer the JSON pointer of the checked value inside the request
 * @param knownKeys the keys of its top level, for the hint on unknown ones
 */
export function faultsOf(error: z.ZodError, pointer: string, knownKeys: readonly string[]): Fault[] {
  const faults = error.issues.slice(0, MAX_FAULTS).flatMap((issue) => {
    const at = pointer + issue.path.map(pointerStep).join("");
    if (issue.code === "unrecognized_keys") {
      const known = issue.path.length === 0 ? knownKeys : [];
      const keys = issue.keys.slice(0, MAX_FAULTS);
      return keys.map((key) => ({ pointer: at + pointerStep(key), message: `unknown key; ${hint(key, known)}` }));
    }
    if (issue.code === "invalid_type" && issue.input === undefined && /received undefined/.test(issue.message)) {
      return [{ pointer: at, message: "is missing" }];
    }
    return [{ pointer: at, message: issue.message }];
  });
  return faults.slice(0, MAX_FAULTS);
}
