// The official JSON Schema test suite through the service: triggers with its schemas, fired with its payloads.
import { expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "../../src/models/json.js";
import { DRAFTS } from "../../src/models/json-schema-parts.js";
import { startApp, type TestApp } from "../support/app.js";
import { LEAVE_SUITE_OUT, suiteOf, type SuiteGroup } from "../support/json-schema-suite.js";

const AT_ONCE = 16;
const created = z.object({ id: z.number() });
const refused = z.object({
  code: z.string(),
  errors: z.array(z.object({ pointer: z.string(), message: z.string().min(1) })).min(1),
});

async function post(app: TestApp, route: string, body: object): Promise<{ status: number; body: unknown }> {
  const headers = { "Content-Type": "application/json" };
  const response = await app.request(`/api/v1${route}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

/** Whether the service takes a body of this at all: it is stricter than JSON, for good reasons, whatever schema there is. */
function isTaken(value: unknown): boolean {
  return readJson(JSON.stringify({ payload: value })).ok;
}

/** What the service says otherwise than the suite does. */
async function deviations(app: TestApp, { title, schema, tests }: SuiteGroup, name: string): Promise<string[]> {
  const trigger = await post(app, "/triggers", { name, kind: "api", schema });
  if (trigger.status !== 201) return [`${title}: ${JSON.stringify(trigger.body)}`];
  const { id } = created.parse(trigger.body);
  const found: string[] = [];
  for (const { description, data, valid } of tests.filter(({ data }) => isTaken(data))) {
    const { status, body } = await post(app, `/triggers/${id}/fire`, { payload: data });
    if (status !== (valid ? 202 : 400)) found.push(`${title}: ${description}: ${status}`);
    if (!valid && refused.parse(body).code !== "payload_invalid") found.push(`${title}: ${JSON.stringify(body)}`);
  }
  return found;
}

it.skipIf(LEAVE_SUITE_OUT)("agrees in every required case of every draft", { timeout: 120_000 }, async () => {
  const groups = DRAFTS.flatMap((draft) => {
    const suite = suiteOf(draft, "required");
    expect(suite, "the suite is missing; run: bash tools/json-schema-suite.sh").not.toBeNull();
    return (suite ?? []).filter(({ schema }) => isTaken(schema));
  });
  const app = await startApp();
  const found: string[] = [];
  const rest = groups.entries();
  const work = async () => {
    for (const [n, group] of rest) found.push(...(await deviations(app, group, `suite ${n}`)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  expect(groups.length).toBeGreaterThan(700);
  expect(found).toEqual([]);
});
