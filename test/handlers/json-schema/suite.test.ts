// The formats of the official JSON Schema test suite, in all three drafts; the rest goes through the service, over HTTP.
import { expect, it, onTestFinished } from "vitest";
import { SchemaChecker } from "../../../src/handlers/json-schema/schema-checker.js";
import { DRAFTS } from "../../../src/models/json-schema-parts.js";
import { LEAVE_SUITE_OUT, suiteOf, type SuiteGroup } from "../../support/json-schema-suite.js";

/** What the checker says otherwise than the suite. */
async function deviations(groups: SuiteGroup[]): Promise<string[]> {
  const checker = new SchemaChecker();
  onTestFinished(() => checker.close());
  const found: string[] = [];
  for (const { title, schema, tests } of groups) {
    for (const { pointer, message } of await checker.check(schema)) found.push(`${title}: ${pointer} ${message}`);
    for (const { description, data, valid } of tests) {
      const faults = await checker.validate(schema, data);
      if ((faults.length === 0) !== valid) found.push(`${title}: ${description}`);
    }
  }
  return found;
}

it.skipIf(LEAVE_SUITE_OUT).each(DRAFTS)(
  "agrees with the suite on formats, but for leap seconds without a date: %s",
  async (draft) => {
    const groups = suiteOf(draft, "formats") ?? [];
    expect(groups.flatMap(({ tests }) => tests).length).toBeGreaterThan(400);
    const found = await deviations(groups);
    expect(found.filter((deviation) => !/^time: .*leap second/.test(deviation))).toEqual([]);
  },
);
