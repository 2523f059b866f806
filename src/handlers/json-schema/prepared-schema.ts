// A schema made ready for the validator: the same schema, without what that would take for something else.
import { DRAFTS, draftOf, isObject, isOverruledByRef, mapSchemas, type Draft } from "../../models/json-schema-parts.js";

/** The key under which `const` and `enum` are text, in which nothing can be taken for an identifier. */
const CANONICAL = "canonical JSON";
const ADDRESSES = ["$id", "$ref", "$dynamicRef"];
const IDENTIFIERS = ["$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$schema"];
/** They check nothing. A vocabulary would be taken for that of a draft of its own. */
const WITHOUT_EFFECT = ["$comment", "$vocabulary", "default", "examples"];
const KEPT_BESIDE_REF = ["$defs", "$schema", "definitions"];

/**
 * The validator takes every `$id`, `$anchor` and `$ref` for one, even inside of a value; it finds nothing that stands
 * beside a `$ref` of draft-07; and it takes no `file:` address, lest one be read.
 *
 * @param named false: what is called `$id` here is none, because no keyword is known to hold schemas here
 */
export function prepareSchema(schema: unknown, around: Draft = DRAFTS[0], named = true): unknown {
  if (!isObject(schema)) return schema;
  const draft = draftOf(schema, around) ?? around;
  const entries = Object.entries(schema);
  if (!isOverruledByRef(schema, draft)) return prepareKeywords(entries, draft, named);
  const beside = entries.filter(([keyword]) => KEPT_BESIDE_REF.includes(keyword));
  const { $ref } = prepareKeywords([["$ref", schema["$ref"]]], draft, named);
  return { ...prepareKeywords(beside, draft, named), allOf: [{ $ref }] };
}

/** The text of `const`, or the texts of `enum`, as {@link prepareSchema} left them; the drafts' own schemas have values. */
export function canonicalTexts(keyword: unknown): unknown {
  if (isObject(keyword) && CANONICAL in keyword) return keyword[CANONICAL];
  return Array.isArray(keyword) ? keyword.map(canonicalJson) : canonicalJson(keyword);
}

/** One text for all values that are equal: the order of keys does not count. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    return isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner;
  });
}

function prepareKeywords(entries: [string, unknown][], draft: Draft, named: boolean): Record<string, unknown> {
  const prepared = entries.map(([keyword, value]) => [keyword, prepareKeyword(keyword, value, draft, named)] as const);
  return Object.fromEntries(prepared.filter(([, value]) => value !== undefined));
}

function prepareKeyword(keyword: string, value: unknown, draft: Draft, named: boolean): unknown {
  if (WITHOUT_EFFECT.includes(keyword) || (!named && IDENTIFIERS.includes(keyword))) return undefined;
  if (keyword === "const") return { [CANONICAL]: canonicalJson(value) };
  if (keyword === "enum" && Array.isArray(value)) return { [CANONICAL]: value.map(canonicalJson) };
  if (typeof value === "string") return ADDRESSES.includes(keyword) ? value.replace(/^file:/i, "x-file:") : value;
  if (keyword === "dependentRequired") return value;
  const schemas = mapSchemas(keyword, value, (schema) => prepareSchema(schema, draft, named));
  return schemas ?? prepareUnknown(value, draft);
}

/** References may lead into a keyword that no draft knows; what it holds may be schemas, or have some deeper down. */
function prepareUnknown(value: unknown, draft: Draft): unknown {
  return Array.isArray(value) ? value.map((item) => prepareUnknown(item, draft)) : prepareSchema(value, draft, false);
}
