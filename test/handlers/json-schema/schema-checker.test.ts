// What is said of schemas and of payloads, and how the thread that finds it out comes and goes.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { SchemaChecker } from "../../../src/handlers/json-schema/schema-checker.js";
import { DRAFT_07 } from "../../../src/models/json-schema-parts.js";

function openChecker(): SchemaChecker {
  const checker = new SchemaChecker();
  onTestFinished(() => checker.close());
  return checker;
}

it("says of each fault of a payload where it is and what it is, in words", async () => {
  const checker = openChecker();
  const cases: [schema: object, payload: unknown, ...faults: string[]][] = [
    [{ type: "integer" }, "5", " must be a whole number, not text"],
    [{ type: "integer" }, 1.5, " must be a whole number, not a number with a fraction"],
    [{ type: ["string", "null", "boolean"] }, [], " must be text, null or true or false, not a list"],
    [{ required: ["a", "b/c"] }, { a: 1 }, "/b~1c is missing"],
    [{ properties: { a: true }, additionalProperties: false }, { a: 1, x: 1 }, "/x is not allowed here"],
    [{ unevaluatedProperties: false }, { x: 1 }, "/x is not allowed here"],
    [{ prefixItems: [true], items: false }, [1, 2], "/1 is not allowed here"],
    [{ enum: ["a", 2, null, { $id: "x" }] }, "b", ' must be one of "a", 2, null or {"$id":"x"}'],
    [{ const: { b: 1, a: 2 } }, { a: 2 }, ' must be {"a":2,"b":1}'],
    [{ minimum: 3, multipleOf: 2 }, 1, " must be at least 3", " must be a multiple of 2"],
    [{ exclusiveMaximum: 3 }, 3, " must be less than 3"],
    [{ minLength: 1 }, "", " must have at least 1 character"],
    [{ maxItems: 2, uniqueItems: true }, [1, 1, 1], " must have at most 2 items", " must not have an item twice"],
    [{ items: { format: "date" } }, ["2026-02-30"], "/0 must be a date, as in 2026-01-31"],
    [{ pattern: "^a\\d$" }, "b", " must match the pattern ^a\\d$"],
    [
      { propertyNames: { maxLength: 2 } },
      { abc: 1 },
      "/abc has a name that does not fit: it must have at most 2 characters",
    ],
    [{ dependentRequired: { a: ["b"] } }, { a: 1 }, '/b is missing; it has to come with "a"'],
    [{ $schema: DRAFT_07, dependencies: { a: ["b"] } }, { a: 1 }, '/b is missing; it has to come with "a"'],
    [{ not: { type: "string" } }, "a", " is just what it must not be"],
    [
      { contains: { const: 1 }, maxContains: 2 },
      [2],
      " must have at least 1 and at most 2 of the items that the schema asks for",
    ],
    [
      { patternProperties: { "^\\p{Letter}\\s[\\S]$": false } },
      { "é\u2003a": 1, "1 a": 1 },
      "/é\u2003a is not allowed here",
    ],
    [{ pattern: "^\\p{Script=Greek}$" }, "p", " must match the pattern ^\\p{Script=Greek}$"],
    [{ oneOf: [true, true] }, 1, " fits 2 of the 2 choices, but must fit exactly one"],
    [
      { properties: { a: { anyOf: [{ type: "null" }, { required: ["b"], type: "object" }] } } },
      { a: { c: 1 } },
      "/a fits none of the 2 choices: it must be null, not an object, or /b is missing",
    ],
    [{ allOf: [{ $ref: "#/$defs/n" }], $defs: { n: { type: "number" } } }, null, " must be a number, not null"],
    [{ if: { type: "string" }, then: { minLength: 2 }, else: false }, "a", " must have at least 2 characters"],
  ];
  for (const [schema, payload, ...wanted] of cases) {
    expect(await checker.check(schema)).toEqual([]);
    const faults = await checker.validate(schema, payload);
    expect(faults.map(({ pointer, message }) => `${pointer} ${message}`)).toEqual(wanted);
    expect(new Set(faults.map(({ code }) => code))).toEqual(new Set(["payload_invalid"]));
  }
  const many = Array.from({ length: 1000 }, () => "x");
  expect(await checker.validate({ items: { type: "integer" } }, many)).toHaveLength(100);
});

it("says what is wrong with a schema, and where", async () => {
  const checker = openChecker();
  const cases: [schema: unknown, pointer: string, words: string][] = [
    ["string", "", "must be a JSON Schema"],
    [{ $schema: "http://json-schema.org/draft-04/schema#" }, "/$schema", "names a draft that is not taken"],
    [{ properties: { a: { minLength: -1 } } }, "/properties/a/minLength", "must be at least 0"],
    [{ $schema: DRAFT_07, definitions: { a: 1 } }, "/definitions/a", "must be an object or true or false, not"],
    [{ items: { pattern: "(?=a)" } }, "/items/pattern", "linear time"],
    [{ items: { pattern: "(a)\\1" } }, "/items/pattern", "linear time"],
    [{ patternProperties: { "[": true } }, "/patternProperties/[", "is no regular expression"],
    [{ $ref: "#/$defs/none" }, "/$ref", "which is not there"],
    [{ $ref: "other.json" }, "/$ref", "leads out of this schema (https://schema.invalid/other.json)"],
    [{ $id: "https://json-schema.org/draft/2020-12/schema" }, "/$id", "is the address of a draft itself"],
    [{ $defs: { a: { $id: "x" }, b: { $id: "x" } } }, "/$defs/b/$id", "another part of the schema"],
    [{ items: { $schema: "x:y" } }, "/items/$schema", "names a draft that is not taken"],
  ];
  for (const [schema, pointer, words] of cases) {
    const faults = await checker.check(schema);
    expect(faults, JSON.stringify(schema)).toMatchObject([{ code: "schema_invalid", pointer }]);
    expect(faults[0]?.message).toContain(words);
  }
});

it("takes what is in use, be it of another draft or of none", async () => {
  const checker = openChecker();
  const schemas = [
    true,
    { $ref: "#/definitions/a", definitions: { a: { type: "string" } } },
    { $schema: `${DRAFT_07}#`, $ref: "#/$defs/a", $defs: { a: { type: "string" } } },
    { $ref: "#/components/schemas/a", components: { schemas: { a: { enum: ["a"], $id: "a" } } } },
    { $id: "file:///schemas/a", $ref: "file:///schemas/a#/$defs/a", $defs: { a: { type: "string" } } },
    { pattern: "^[\\w\\-]+$", format: "of-our-own", "x-note": { $ref: "none" }, default: { $ref: "none" } },
    {
      $ref: "#/$defs/a/$defs/b",
      $defs: { a: { $id: "a", $defs: { b: { $ref: "#/$defs/c" }, c: { type: "string" } } } },
    },
    { anyOf: [{ type: "string" }, { $ref: "https://json-schema.org/draft/2020-12/schema" }] },
  ];
  for (const schema of schemas) {
    expect(await checker.check(schema)).toEqual([]);
    expect(await checker.validate(schema, "a")).toEqual([]);
  }
  expect(await checker.validate(schemas[3], "b")).toMatchObject([{ message: 'must be one of "a"' }]);
  expect(await checker.validate(schemas.at(-1), { type: 1 })).toHaveLength(1);
});

it("refuses what it has not answered when it is closed, and whatever comes then", async () => {
  const checker = new SchemaChecker();
  const open = checker.check({});
  const refused = expect(Promise.all([open])).rejects.toThrow("is being stopped");
  await checker.close();
  await refused;
  await expect(checker.validate({}, 1)).rejects.toThrow("is being stopped");
  await new SchemaChecker().close();
});

it("works in a service that runs from its TypeScript sources, and keeps no program from ending", async () => {
  const loader = new URL("../../../tools/typescript.mjs", import.meta.url).href;
  const program = fileURLToPath(new URL("check-once.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", loader, program]);
  expect(JSON.parse(stdout)).toMatchObject([{ pointer: "/host", message: "must be a host name" }]);
});
