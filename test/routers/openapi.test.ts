// The OpenAPI document: whole, sound, always the same, and true to what the service answers.
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { fetchDocument, operationsOf } from "../support/openapi.js";
import { scriptZip } from "../support/scripts.js";

type Json = Record<string, unknown>;

/** Every object in a JSON document, itself included. */
function* objectsIn(value: unknown): Generator<Json> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Json;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

it("every operation has a summary, answers with descriptions, its parameters, and says whether it needs a token", async () => {
  const app = await startApp();
  const document = await fetchDocument(app);
  expect(Object.keys(document.components.securitySchemes)).toEqual(["token"]);
  expect(document.security).toEqual([{ token: [] }]);
  const operations = operationsOf(document);
  expect(operations.length).toBeGreaterThanOrEqual(17);
  for (const { method, path, summary, parameters, responses, guarded, requestBody } of operations) {
    const where = `${method} ${path}`;
    expect(summary, where).not.toMatch(/\.$/);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const described = parameters.filter((parameter) => parameter.in === "path");
    expect(
      described.map(({ name, required }) => [name, required]),
      where,
    ).toEqual(inPath.map((name) => [name, true]));
    expect(Object.keys(responses).filter((status) => status < "300").length, where).toBeGreaterThan(0);
    if (guarded) expect(Object.keys(responses), where).toEqual(expect.arrayContaining(["400", "401"]));
    if (inPath.length > 0) expect(Object.keys(responses), where).toContain("404");
    if (requestBody) expect(Object.keys(responses), where).toEqual(expect.arrayContaining(["413", "415"]));
    if (method === "get") expect(requestBody, where).toBeUndefined();
  }
});

it("every refusal in it is a problem document, and 204 and 416 alone have no body", async () => {
  const app = await startApp();
  for (const { method, path, responses, guarded } of operationsOf(await fetchDocument(app))) {
    for (const [status, { content }] of Object.entries(responses)) {
      const types = Object.keys(content ?? {});
      const where = `${method} ${path} ${status}`;
      if (["204", "416"].includes(status)) expect(types, where).toEqual([]);
      else if (status < "400" || !guarded) expect(types, where).toHaveLength(1);
      else expect(types, where).toEqual(["application/problem+json"]);
    }
  }
});

it("every reference in it leads somewhere, and every schema in it is used", async () => {
  const app = await startApp();
  const document = (await (await fetch(`${app.app.url}/api/v1/openapi.json`)).json()) as Json;
  const references = new Set<string>();
  for (const { $ref } of objectsIn(document)) if (typeof $ref === "string") references.add($ref);
  for (const reference of references) {
    const steps = reference.replace(/^#\//, "").split("/");
    const found = steps.reduce<unknown>((at, step) => (at as Json | undefined)?.[step], document);
    expect(found, reference).toBeTypeOf("object");
  }
  const { schemas } = (await fetchDocument(app)).components;
  const unused = Object.keys(schemas).filter((name) => !references.has(`#/components/schemas/${name}`));
  expect(unused).toEqual([]);
});

it("every field of every schema has a type or a description, and Batch and Execution promise every key", async () => {
  const app = await startApp();
  const { schemas } = (await fetchDocument(app)).components;
  const says = ["type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "description"];
  for (const schema of objectsIn(schemas)) {
    if (schema["type"] !== "object" || !schema["properties"]) continue;
    for (const [name, field] of Object.entries(schema["properties"])) {
      expect(Object.keys(field as object).filter((key) => says.includes(key)).length, name).toBeGreaterThan(0);
    }
  }
  for (const name of ["Batch", "Execution", "Link", "Problem"]) {
    const { properties, required, description } = schemas[name] as Json;
    const optional = name === "Problem" ? ["report"] : [];
    expect([...(required as string[]), ...optional].sort(), name).toEqual(Object.keys(properties as object).sort());
    expect(description, name).toBeTypeOf("string");
  }
});

it("the batch and the execution that the service answers have just the keys that the document promises", async () => {
  const app = await startApp();
  const { schemas } = (await fetchDocument(app)).components;
  await app.sdk.batches.create(await scriptZip("echo hello"), { name: "a" });
  const execution = await app.ended(await app.sdk.batches.run("a"));
  for (const [name, answer] of [
    ["Batch", await app.sdk.batches.get("a")],
    ["Execution", execution],
  ] as const) {
    expect(Object.keys(answer).sort(), name).toEqual(Object.keys(schemas[name]?.["properties"] as object).sort());
  }
});

it("the document is the same at every start, tells the configured address, and needs no token", async () => {
  const settings = { PUBLIC_URL: "https://batch.example.org/" };
  const read = async ({ app }: { app: { url: string } }) => (await fetch(`${app.url}/api/v1/openapi.json`)).text();
  const first = await startApp(settings);
  const text = await read(first);
  expect(await read(first)).toBe(text);
  expect(await read(await first.restart())).toBe(text);
  expect(JSON.parse(text)).toMatchObject({ servers: [{ url: "https://batch.example.org" }] });
  const plain = await startApp();
  expect((await fetchDocument(plain)).servers).toEqual([{ url: plain.app.url }]);
});
