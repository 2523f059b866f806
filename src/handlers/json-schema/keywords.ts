// Sets the validator up for schemas of strangers: all drafts, formats on, nothing fetched, patterns in linear time.
import * as Browser from "@hyperjump/browser";
import "@hyperjump/json-schema/draft-07";
import "@hyperjump/json-schema/draft-2019-09";
import { setShouldValidateFormat, setShouldValidateSchema } from "@hyperjump/json-schema/draft-2020-12";
import { addKeyword, getKeyword, Validation, type Keyword } from "@hyperjump/json-schema/experimental";
import "@hyperjump/json-schema/formats";
import * as Instance from "@hyperjump/json-schema/instance/experimental";
import { isObject } from "../../models/json-schema-parts.js";
import { compilePattern, type Pattern } from "./linear-pattern.js";
import { canonicalJson, canonicalTexts } from "./prepared-schema.js";

const KEYWORD = "https://json-schema.org/keyword/";

/** What has no way to retrieve an address cannot be made to. */
for (const scheme of ["http", "https", "file"]) Browser.removeUriSchemePlugin(scheme);
setShouldValidateFormat(true);
// Whether a schema is one is looked at beforehand, so that what is wrong with it has a place and words.
setShouldValidateSchema(false);

replaceKeyword<Pattern>("pattern", {
  compile: (schema) => Promise.resolve(compilePattern(Browser.value(schema))),
});

replaceKeyword<[Pattern, string][]>("patternProperties", {
  compile: async (schema, ast) => {
    const compiled: [Pattern, string][] = [];
    for (const pattern of namesOf(Browser.value(schema))) {
      const property = await Browser.step(pattern, schema);
      compiled.push([compilePattern(pattern), await Validation.compile(property as typeof schema, ast, schema)]);
    }
    return compiled;
  },
});

replaceKeyword<[Pick<Pattern, "test">, string]>("additionalProperties", {
  compile: async (schema, ast, parent) => {
    const { properties, patternProperties } = Browser.value<Record<string, unknown>>(parent);
    const names = new Set(namesOf(properties));
    const patterns = namesOf(patternProperties).map(compilePattern);
    const isDefined = { test: (name: string) => names.has(name) || patterns.some((pattern) => pattern.test(name)) };
    return [isDefined, await Validation.compile(schema, ast, parent)];
  },
});

// What they compare with comes as text: the validator would look for identifiers in values too.
replaceKeyword<string>("const", {
  compile: (schema) => Promise.resolve(canonicalTexts(Browser.value(schema)) as string),
  interpret: (wanted, instance) => canonicalJson(Instance.value(instance)) === wanted,
});

replaceKeyword<string[]>("enum", {
  compile: (schema) => Promise.resolve(canonicalTexts(Browser.value(schema)) as string[]),
  interpret: (choices, instance) => choices.includes(canonicalJson(Instance.value(instance))),
});

function namesOf(value: unknown): string[] {
  return isObject(value) ? Object.keys(value) : [];
}

/** Puts parts of a keyword in the place of its own. To look at payloads it asks no more of a pattern than to test texts. */
function replaceKeyword<Compiled>(name: string, parts: Partial<Keyword<Compiled>>): void {
  addKeyword({ ...getKeyword<Compiled>(KEYWORD + name), ...parts });
}
