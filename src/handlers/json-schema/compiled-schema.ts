// A schema compiled, and what it says of a value. For the thread alone: nothing here knows when to stop.
import {
  registerSchema,
  setShouldValidateFormat,
  unregisterSchema,
  validate,
  type Validator,
} from "@hyperjump/json-schema/draft-2020-12";
import type { Fault } from "../../errors.js";
import { pointerStep } from "../../models/faults.js";
import { draftOf, DRAFTS, isObject, mapSchemas, type Draft } from "../../models/json-schema-parts.js";
import { BASE_URI, settleReferences } from "../../models/json-schema-references.js";
import { RecentCache } from "../../models/recent-cache.js";
import { Breaches } from "./breaches.js";
import "./keywords.js";
import { explainPattern } from "./linear-pattern.js";
import { prepareSchema } from "./prepared-schema.js";

type Json = Parameters<Validator>[0];
type Registered = Parameters<typeof registerSchema>[0];

/** A schema that goes round in circles does so whatever the value is, unless it goes by its kind. */
const ONE_OF_EACH_KIND = [null, true, 0, "", [], {}];
const ENDLESS = "refers to itself again and again without going deeper into the value";

/** The drafts' own schemas. */
const forms = new RecentCache<Draft, Promise<Validator>>(DRAFTS.length);

/** What came of compiling a schema: a way to look at values, or what is wrong with it. */
export type CompiledSchema = { ok: true; faultsIn: (value: unknown) => Fault[] } | { ok: false; faults: Fault[] };

/**
 * Compiles a schema that `findSchemaFaults` has no fault to find with; at most one at a time, since there is one register
 * of schemas. Changes the schema that it is given.
 */
export async function compileSchema(schema: unknown): Promise<CompiledSchema> {
  const draft = draftOf(schema) ?? DRAFTS[0];
  const faults = [...(await findFormFaults(schema, draft)), ...findPatternFaults(schema, "")];
  if (faults.length > 0) return { ok: false, faults };
  try {
    if (isObject(schema)) settleReferences(schema);
    registerSchema(prepareSchema(schema) as Registered, BASE_URI, draft);
    const validator = await validate(BASE_URI);
    for (const value of ONE_OF_EACH_KIND) validator(value);
    return { ok: true, faultsIn: (value) => findFaults(validator, value as Json) };
  } catch (error) {
    const message = isEndless(error) ? ENDLESS : `cannot be compiled: ${inWords(error)}`;
    return { ok: false, faults: [{ pointer: "", message }] };
  } finally {
    unregisterSchema(BASE_URI);
  }
}

function findFaults(validator: Validator, value: Json): Fault[] {
  try {
    // Most values fit, which is told faster if nobody asks why.
    if (validator(value).valid) return [];
    const breaches = new Breaches();
    validator(value, { plugins: [breaches] });
    return breaches.toFaults();
  } catch (error) {
    // Nobody has looked at the form of what stands in unknown keywords, and yet references may lead there.
    const reason = isEndless(error)
      ? ENDLESS
      : "has a part that its draft does not know, and that is not fit to be referred to";
    return [{ pointer: "", message: `cannot be checked: the schema ${reason}` }];
  }
}

/** Whether the schema has the form that its draft describes by a schema of its own. */
async function findFormFaults(schema: unknown, draft: Draft): Promise<Fault[]> {
  const validator = await forms.getOrMake(draft, (uri) => validate(uri));
  // Its formats are those of addresses and patterns, for which there are better words.
  setShouldValidateFormat(false);
  try {
    return findFaults(validator, schema as Json);
  } finally {
    setShouldValidateFormat(true);
  }
}

function findPatternFaults(schema: unknown, pointer: string): Fault[] {
  if (!isObject(schema)) return [];
  const patterns: [string, string][] = [];
  if (typeof schema["pattern"] === "string") patterns.push([schema["pattern"], "/pattern"]);
  if (isObject(schema["patternProperties"])) {
    for (const name of Object.keys(schema["patternProperties"]))
      patterns.push([name, `/patternProperties${pointerStep(name)}`]);
  }
  const faults = patterns.flatMap(([pattern, steps]) => {
    const message = explainPattern(pattern);
    return message === null ? [] : [{ pointer: pointer + steps, message }];
  });
  for (const [keyword, value] of Object.entries(schema)) {
    mapSchemas(keyword, value, (inner, steps) => {
      faults.push(...findPatternFaults(inner, pointer + [keyword, ...steps].map(pointerStep).join("")));
    });
  }
  return faults;
}

function isEndless(error: unknown): boolean {
  return error instanceof RangeError;
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(BASE_URI, "") : String(error);
}
