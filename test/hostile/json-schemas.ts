// JSON Schemas that must be refused: what would stall a validator, reach out, or mean something else than it says.
import type { HostileInput } from "./hostile-input.js";

type Hostile = [title: string, schema: unknown, place: string, says: RegExp];

const manyTrue = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, true]));
const manyEmpty = (count: number) => Array.from({ length: count }, () => ({}));
const twice = ($ref: string) => ({ allOf: [{ $ref }, { $ref }] });
/** Each doubles what is to be looked at. */
const doubling = Array.from({ length: 60 }, (_, n) => [`d${n}`, n === 59 ? true : twice(`#/$defs/d${n + 1}`)] as const);

const INVALID: Hostile[] = [
  ["the metadata of a cloud", { $ref: "http://169.254.169.254/latest/meta-data" }, "/schema/$ref", /leads out/],
  ["a file", { items: { $ref: "file:///etc/passwd" } }, "/schema/items/$ref", /leads out/],
  ["a draft from elsewhere", { $schema: "http://127.0.0.1/draft" }, "/schema/$schema", /draft that is not taken/],
  ["the address of a draft", { $id: "https://json-schema.org/draft/2020-12/schema" }, "/schema/$id", /draft itself/],
  ["a look-ahead", { pattern: "^(?=(a+)+$)" }, "/schema/pattern", /linear time/],
  ["a pattern that is none", { patternProperties: { "(": true } }, "/schema/patternProperties/(", /no regular/],
  ["a circle", { anyOf: [{ $ref: "#" }, { $ref: "#" }] }, "/schema", /refers to itself/],
];

const TOO_COMPLEX: Hostile[] = [
  ["20,000 properties", { properties: manyTrue(20_000) }, "/schema", /too large/],
  ["10,000 choices", { anyOf: manyEmpty(10_000) }, "/schema", /too many parts/],
  ["2^60 ways to look at a value", { $ref: "#/$defs/d0", $defs: Object.fromEntries(doubling) }, "/schema", /too long/],
];

function trigger([title, schema, place, says]: Hostile, code: string): HostileInput {
  const headers = { "Content-Type": "application/json" };
  const body = () => Buffer.from(JSON.stringify({ kind: "api", name: "hostile", schema }));
  const request = () => ({ path: "/api/v1/triggers", headers, body: body() });
  return { title: `schemas: ${title}`, status: 422, code, place, says, request };
}

export const JSON_SCHEMAS: HostileInput[] = [
  ...INVALID.map((hostile) => trigger(hostile, "schema_invalid")),
  ...TOO_COMPLEX.map((hostile) => trigger(hostile, "schema_too_complex")),
];
