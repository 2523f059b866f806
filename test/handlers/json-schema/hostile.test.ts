// Schemas and payloads that are meant to hold the service up, or to make it reach out: refused, and nobody else is hurt.
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { SchemaChecker } from "../../../src/handlers/json-schema/schema-checker.js";
import { DRAFT_07 } from "../../../src/models/json-schema-parts.js";

function openChecker(patienceMs?: number): SchemaChecker {
  const checker = new SchemaChecker(patienceMs);
  onTestFinished(() => checker.close());
  return checker;
}

/** Doubles with each level what is to be looked at: 2^60 schemas in 60 lines. */
const DOUBLING = {
  $ref: "#/$defs/d0",
  $defs: Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [
      `d${n}`,
      n === 59 ? true : { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
    ]),
  ),
};

/** The same, for payloads alone that ask for it. */
const DOUBLING_IF_ASKED = { ...DOUBLING, $ref: undefined, properties: { ask: { $ref: "#/$defs/d0" } } };

it("matches patterns in linear time", async () => {
  const checker = openChecker();
  const schema = { properties: { a: { pattern: "^(a+)+$" } }, patternProperties: { "^(b+)+$": false } };
  expect(await checker.check(schema)).toEqual([]);
  const payload = { a: `${"a".repeat(100_000)}!`, [`${"b".repeat(100_000)}!`]: 1 };
  expect(await checker.validate(schema, payload)).toMatchObject([{ pointer: "/a", code: "payload_invalid" }]);
});

it("takes large payloads", async () => {
  const checker = openChecker();
  const unique = { uniqueItems: true, items: { type: "object" } };
  const items = Array.from({ length: 5000 }, (_, n) => ({ n, text: "x".repeat(20) }));
  expect(await checker.validate(unique, items)).toEqual([]);
  expect(await checker.validate(unique, [...items, { text: "x".repeat(20), n: 7 }])).toMatchObject([{ pointer: "" }]);
  const numbers = Array.from({ length: 250_000 }, () => 0);
  expect(await checker.validate({ items: { type: "integer" } }, numbers)).toEqual([]);
  expect(await checker.validate({ items: { type: "string" } }, numbers)).toHaveLength(100);
});

it.each([
  [
    "20,000 properties",
    { properties: Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`p${n}`, true])) },
    "too large",
  ],
  ["501 schemas", { allOf: Array.from({ length: 499 }, () => ({})) }, "too many parts"],
  ["a depth of 5000", Array.from({ length: 5000 }).reduce((inner) => ({ not: inner }), {}), "nested deeper"],
  ["2^60 ways", DOUBLING, "takes too long"],
])("refuses what is too complex: %s", async (_, schema, words) => {
  const [fault] = await openChecker(200).check(schema);
  expect(fault?.code).toBe("schema_too_complex");
  expect(fault?.message).toContain(words);
});

it("refuses circles of references", async () => {
  const checker = openChecker();
  const circles = [
    { $ref: "#" },
    { $schema: DRAFT_07, $ref: "#" },
    {
      $schema: DRAFT_07,
      $ref: "#/definitions/a",
      definitions: { a: { $ref: "#/definitions/b" }, b: { $ref: "#/definitions/a" } },
    },
    { anyOf: [{ $ref: "#" }, { $ref: "#" }] },
    { $dynamicAnchor: "a", $dynamicRef: "#a" },
    { type: "string", then: { $ref: "#" }, if: { type: "string" } },
  ];
  for (const circle of circles) {
    const [fault, ...others] = await checker.check(circle);
    expect(fault, JSON.stringify(circle)).toMatchObject({ code: "schema_invalid", pointer: "" });
    expect(fault?.message).toContain("refers to itself again and again");
    expect(others).toEqual([]);
  }
});

it("gives up a payload for which a circle opens, and lists and trees may refer to themselves", async () => {
  const checker = openChecker();
  expect(await checker.check({ properties: { left: { $ref: "#" }, right: { $ref: "#" } } })).toEqual([]);
  const late = { properties: { a: { if: { type: "string", minLength: 3 }, then: { $ref: "#/properties/a" } } } };
  expect(await checker.check(late)).toEqual([]);
  expect(await checker.validate(late, { a: "abc" })).toMatchObject([
    { message: expect.stringContaining("itself") as string },
  ]);
});

it("goes on with the others when a payload takes too long", async () => {
  const checker = openChecker();
  expect(await checker.check(DOUBLING_IF_ASKED)).toEqual([]);
  const answers = await Promise.all([
    checker.validate({ type: "string" }, "before"),
    checker.validate(DOUBLING_IF_ASKED, { ask: 1 }),
    ...Array.from({ length: 20 }, (_, n) => checker.validate({ type: "string" }, n % 2 ? "after" : n)),
    checker.check({ type: "strin" }),
  ]);
  expect(answers[0]).toEqual([]);
  expect(answers[1]).toMatchObject([{ code: "payload_too_complex", pointer: "" }]);
  expect(answers.slice(2, -1).map((faults) => faults.length)).toEqual(
    Array.from({ length: 20 }, (_, n) => (n % 2 ? 0 : 1)),
  );
  expect(answers.at(-1)).toMatchObject([{ code: "schema_invalid", pointer: "/type" }]);
});

it("gives up a payload that takes too much memory, and goes on", async () => {
  const checker = openChecker(20_000);
  const schema = { uniqueItems: true, items: { properties: { a: { pattern: "a" } } } };
  const huge = Array.from({ length: 400_000 }, (_, n) => ({ n, a: `a${n}` }));
  expect(await checker.validate(schema, huge)).toMatchObject([{ code: "payload_too_complex" }]);
  expect(await checker.validate(schema, [{ a: "b" }])).toMatchObject([{ pointer: "/0/a" }]);
});

it("reaches out to nobody, wherever a schema leads", async () => {
  let hits = 0;
  const server = createServer((_, response) => {
    hits++;
    response.setHeader("Content-Type", "application/schema+json").end("{}");
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const addresses = [
    `http://127.0.0.1:${port}/a.json`,
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    "/a",
    "urn:x",
  ];
  const checker = openChecker();
  for (const address of addresses) {
    for (const schema of [
      { $ref: address },
      { $schema: DRAFT_07, items: { $ref: address } },
      { $id: `http://127.0.0.1:${port}/b.json`, $dynamicRef: address },
      // References from where no draft has schemas are not seen beforehand.
      { $ref: "#/x/y", x: { y: { $ref: address } } },
    ]) {
      const faults = await checker.check(schema);
      expect(faults.map(({ code }) => code)).toEqual(["schema_invalid"]);
      expect((await checker.validate(schema, {})).map(({ code }) => code)).toEqual(["schema_invalid"]);
    }
  }
  expect(await checker.check({ $schema: `http://127.0.0.1:${port}/draft.json` })).toMatchObject([
    { pointer: "/$schema" },
  ]);
  expect(hits).toBe(0);
});

it("takes keys that JavaScript has a meaning for as keys", async () => {
  const checker = openChecker();
  const schema = JSON.parse(
    '{"properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}},"required":["toString"]}',
  ) as object;
  expect(await checker.check(schema)).toEqual([]);
  const payload: unknown = JSON.parse('{"__proto__":1,"constructor":2}');
  const pointers = (await checker.validate(schema, payload)).map(({ pointer }) => pointer);
  expect(pointers.sort()).toEqual(["/__proto__", "/constructor", "/toString"]);
  expect(await checker.validate({ properties: { a: true } }, { constructor: 1, valueOf: 2 })).toEqual([]);
});

it("is not thrown by what nobody has looked at: parts that only references make schemas of", async () => {
  const checker = openChecker();
  const odd = {
    enum: { "canonical JSON": 5 },
    required: 5,
    properties: 5,
    pattern: 5,
    anyOf: {},
    type: {},
    items: "x",
  };
  for (const [keyword, value] of Object.entries(odd)) {
    const schema = { properties: { a: { $ref: "#/x/y" } }, x: { y: { [keyword]: value } } };
    await checker.check(schema);
    for (const a of [1, "a", [1], { b: 1 }]) await checker.validate(schema, { a });
  }
  expect(
    await checker.validate({ properties: { a: { $ref: "#/x" } }, x: { enum: { "canonical JSON": 5 } } }, { a: 1 }),
  ).toHaveLength(1);
});
