// The JSON Schemas that are taken: their size, their draft, where their references lead. A first look, without compiling.
import { AppError, type Fault } from "../errors.js";
import { pointerStep } from "./faults.js";
import { draftOf, DRAFTS, isObject } from "./json-schema-parts.js";
import { findReferenceFaults } from "./json-schema-references.js";

/** What is wrong with a schema or a payload; `code` is one of docs/errors.md. */
export interface SchemaFault extends Fault {
  code: "schema_invalid" | "schema_too_complex" | "payload_invalid" | "payload_too_complex";
}

/** More than a payload's schema needs; what is larger takes long to compile. */
const MAX_CHARACTERS = 65_536;
const MAX_DEPTH = 20;
const MAX_PARTS = 500;

/** Why a schema is too large to be looked at any closer; null if it is not. */
export function explainTooLarge(schema: unknown): Fault | null {
  const open = isContainer(schema) ? [{ value: schema, depth: 1, pointer: "" }] : [];
  for (let parts = 1, next = open.pop(); next !== undefined; parts++, next = open.pop()) {
    const { value, depth, pointer } = next;
    if (depth > MAX_DEPTH)
      return { pointer, message: `is nested deeper than ${MAX_DEPTH} levels; use "$defs" and "$ref"` };
    if (parts > MAX_PARTS) {
      return { pointer: "", message: `has too many parts: at most ${MAX_PARTS} objects and lists are taken` };
    }
    for (const [key, inner] of Object.entries(value)) {
      if (isContainer(inner)) open.push({ value: inner, depth: depth + 1, pointer: pointer + pointerStep(key) });
    }
  }
  // Only now: what is nested very deep cannot even be written.
  if (JSON.stringify(schema ?? null).length <= MAX_CHARACTERS) return null;
  return { pointer: "", message: `is too large: at most ${MAX_CHARACTERS} characters of JSON are taken` };
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What is wrong with a schema of bearable size, as far as that can be told without compiling it. */
export function findSchemaFaults(schema: unknown): Fault[] {
  if (typeof schema === "boolean") return [];
  if (!isObject(schema)) return [{ pointer: "", message: "must be a JSON Schema: an object, true or false" }];
  if (draftOf(schema) !== null) return findReferenceFaults(schema);
  return [{ pointer: "/$schema", message: `names a draft that is not taken; choose of ${DRAFTS.join(", ")}` }];
}

/**
 * The refusal of what carries a schema or a payload; the first fault gives the code.
 *
 * @param words what cannot be done, as the beginning of a sentence
 * @param place the JSON pointer of the schema or payload in the request
 */
export function schemaRefusal(words: string, place: string, faults: SchemaFault[]): AppError {
  const errors = faults.map(({ pointer, message }) => ({ pointer: place + pointer, message }));
  const [first] = errors;
  const reason = faults[0]?.code ?? "schema_invalid";
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  const message = `${words}: ${first?.pointer ?? place} ${first?.message ?? "does not fit"}${more}.`;
  return new AppError(reason === "payload_invalid" ? "invalid" : "unprocessable", message, { reason, errors });
}
