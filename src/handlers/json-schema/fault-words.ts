// What a value does wrong by one keyword of its schema, in words for people.
import type { Pattern } from "./linear-pattern.js";

const MAX_SHOWN = 200;
const MAX_CHOICES = 20;

const TYPES: Record<string, string> = {
  ...{ string: "text", number: "a number", integer: "a whole number", boolean: "true or false", null: "null" },
  ...{ object: "an object", array: "a list" },
};

const FORMATS: Record<string, string> = {
  "date-time": "a date with time and offset, as in 2026-01-31T18:30:00Z",
  date: "a date, as in 2026-01-31",
  time: "a time with offset, as in 18:30:00Z",
  duration: "a duration, as in P1DT2H",
  email: "an e-mail address",
  "idn-email": "an e-mail address",
  hostname: "a host name",
  "idn-hostname": "a host name",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  uri: "an absolute address (URI)",
  iri: "an absolute address (IRI)",
  uuid: "a UUID",
  regex: "a regular expression",
};

type Words = (wanted: unknown, value: unknown) => string;

const WORDS: Record<string, Words> = {
  type: (wanted, value) => `must be ${either([wanted].flat().map(typeName))}, not ${kindOf(value)}`,
  enum: (wanted) => `must be one of ${choices(wanted as string[])}`,
  const: (wanted) => `must be ${shorten(wanted as string)}`,
  minimum: (wanted) => `must be at least ${wanted as number}`,
  maximum: (wanted) => `must be at most ${wanted as number}`,
  exclusiveMinimum: (wanted) => `must be greater than ${wanted as number}`,
  exclusiveMaximum: (wanted) => `must be less than ${wanted as number}`,
  multipleOf: (wanted) => `must be a multiple of ${wanted as number}`,
  minLength: (wanted) => `must have at least ${count(wanted, "character")}`,
  maxLength: (wanted) => `must have at most ${count(wanted, "character")}`,
  minItems: (wanted) => `must have at least ${count(wanted, "item")}`,
  maxItems: (wanted) => `must have at most ${count(wanted, "item")}`,
  minProperties: (wanted) => `must have at least ${count(wanted, "key")}`,
  maxProperties: (wanted) => `must have at most ${count(wanted, "key")}`,
  uniqueItems: () => "must not have an item twice",
  format: (wanted) => `must be ${FORMATS[wanted as string] ?? `in the format ${shorten(wanted as string)}`}`,
  pattern: (wanted) => `must match the pattern ${shorten((wanted as Pattern).source)}`,
  contains: (wanted) => explainContains(wanted as ContainsBounds),
  not: () => "is just what it must not be",
  false: () => "is not allowed here",
};

interface ContainsBounds {
  minContains?: number;
  maxContains?: number;
}

/**
 * @param keyword the name of the keyword that is broken; `false` for the schema that nothing fits
 * @param wanted what the validator made of the keyword's value
 */
export function explainBreach(keyword: string, wanted: unknown, value: unknown): string {
  return WORDS[keyword]?.(wanted, value) ?? `does not fit ${keyword} of the schema`;
}

function explainContains({ minContains = 1, maxContains = Infinity }: ContainsBounds): string {
  const most = maxContains < Number.MAX_SAFE_INTEGER ? ` and at most ${maxContains}` : "";
  return `must have at least ${minContains}${most} of the items that the schema asks for`;
}

function typeName(type: unknown): string {
  return TYPES[type as string] ?? String(type);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number") return Number.isInteger(value) ? "a whole number" : "a number with a fraction";
  return typeof value === "boolean" ? String(value) : typeName(typeof value);
}

function choices(texts: string[]): string {
  const shown = texts.slice(0, MAX_CHOICES).map(shorten);
  return either(texts.length > MAX_CHOICES ? [...shown, `${texts.length - MAX_CHOICES} more`] : shown);
}

function either(words: string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}

function count(wanted: unknown, what: string): string {
  return `${wanted as number} ${what}${wanted === 1 ? "" : "s"}`;
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
