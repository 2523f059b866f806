// The anatomy of a JSON Schema: its draft, and where in it other schemas stand.

/** A schema that is no boolean. Nothing is known of its keywords yet. */
export type SchemaObject = Record<string, unknown>;

/** The drafts that are taken, by the address that `$schema` names them by, without `#`. */
export const DRAFTS = [
  "https://json-schema.org/draft/2020-12/schema",
  "https://json-schema.org/draft/2019-09/schema",
  "http://json-schema.org/draft-07/schema",
] as const;
export type Draft = (typeof DRAFTS)[number];

const DEFAULT_DRAFT: Draft = "https://json-schema.org/draft/2020-12/schema";
export const DRAFT_07: Draft = "http://json-schema.org/draft-07/schema";

/** What is one schema, or a list of them, in one draft or another. */
const HOLD_SCHEMAS = new Set([
  ...["additionalItems", "additionalProperties", "allOf", "anyOf", "contains", "contentSchema", "else", "if", "items"],
  ...["not", "oneOf", "prefixItems", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"],
]);

/** What has schemas by names. A draft that does not know one of these lets it be, yet it may hold what is referred to. */
const HOLD_NAMED_SCHEMAS = new Set([
  ...["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"],
]);

/** Whether a value is an object as JSON has them. */
export function isObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The draft that a schema names by `$schema`; the one around it, or 2020-12, if it names none; null if it is not taken. */
export function draftOf(schema: unknown, around: Draft = DEFAULT_DRAFT): Draft | null {
  if (!isObject(schema) || schema["$schema"] === undefined) return around;
  const { $schema: named } = schema;
  return DRAFTS.find((draft) => typeof named === "string" && named.replace(/#$/, "") === draft) ?? null;
}

/** In draft-07 nothing beside a `$ref` counts. */
export function isOverruledByRef(schema: SchemaObject, draft: Draft): boolean {
  return draft === DRAFT_07 && typeof schema["$ref"] === "string";
}

/**
 * What stands in a schema's keyword, with each schema in it replaced; `undefined` if the keyword holds none.
 *
 * @param replace is given a schema, or what stands in its place, and the steps that lead to it from the keyword
 */
export function mapSchemas(
  keyword: string,
  value: unknown,
  replace: (schema: unknown, steps: (string | number)[]) => unknown,
): unknown {
  if (HOLD_SCHEMAS.has(keyword)) {
    return Array.isArray(value) ? value.map((schema, index) => replace(schema, [index])) : replace(value, []);
  }
  if (!HOLD_NAMED_SCHEMAS.has(keyword) || !isObject(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, replace(schema, [name])]));
}
