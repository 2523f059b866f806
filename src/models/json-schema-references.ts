// The references of a JSON Schema: they may lead into the schema itself and to the drafts' own schemas, nowhere else.
import type { Fault } from "../errors.js";
import { pointerStep } from "./faults.js";
import {
  DRAFTS,
  draftOf,
  isObject,
  isOverruledByRef,
  mapSchemas,
  type Draft,
  type SchemaObject,
} from "./json-schema-parts.js";

/** Where a schema without `$id` is taken to be; names below `.invalid` lead nowhere (RFC 2606). */
export const BASE_URI = "https://schema.invalid/";

/** The drafts' own schemas, and the parts of them that are schemas too. */
const META_SCHEMA =
  /^https?:\/\/json-schema\.org\/(draft-07\/schema|draft\/(2019-09|2020-12)\/(schema|meta\/[a-z-]+))$/;

const REFERENCES = ["$ref", "$dynamicRef", "$recursiveRef"];
const ANCHORS = ["$anchor", "$dynamicAnchor"];

/** The whole schema, or a part with an `$id`: what stands behind a `#` is looked up in it. */
interface Resource {
  uri: string;
  root: SchemaObject;
  anchors: Set<string>;
}

interface Reference {
  /** The schema that it stands in, and the keyword. */
  holder: SchemaObject;
  keyword: string;
  pointer: string;
  written: string;
  from: Resource;
}

/** Every reference of the schema that leads nowhere or out of it, every `$id` that cannot be one, every unknown draft. */
export function findReferenceFaults(schema: SchemaObject): Fault[] {
  const { faults, references, resources } = new Survey(schema);
  return [...faults, ...references.flatMap((reference) => explain(reference, resources))];
}

/**
 * Puts every reference whose pointer leads into a part with an `$id`, from outside of it, in terms of that part: there it
 * begins anew. Changes the schema.
 */
export function settleReferences(schema: SchemaObject): void {
  const { references, resources } = new Survey(schema);
  for (const { holder, keyword, written, from } of references) {
    const target = resolve(written, from);
    const found = target && locate(target, resources);
    if (found && found.uri !== target.uri) holder[keyword] = `${found.uri}#${encodeURI(found.fragment)}`;
  }
}

/** Goes through a schema, and takes down what has a name and what refers to one. */
class Survey {
  readonly resources = new Map<string, Resource>();
  readonly references: Reference[] = [];
  readonly faults: Fault[] = [];

  constructor(schema: SchemaObject) {
    const whole = { uri: BASE_URI, root: schema, anchors: new Set<string>() };
    this.resources.set(BASE_URI, whole);
    this.visit(schema, "", whole, DRAFTS[0]);
  }

  private visit(schema: unknown, pointer: string, around: Resource, outerDraft: Draft): void {
    if (!isObject(schema)) return;
    const draft = draftOf(schema, outerDraft);
    if (draft === null) {
      this.faults.push({ pointer: `${pointer}/$schema`, message: `names a draft that is not taken` });
      return;
    }
    const resource = isOverruledByRef(schema, draft) ? around : this.enter(schema, pointer, around);
    for (const keyword of ANCHORS) {
      if (typeof schema[keyword] === "string") resource.anchors.add(schema[keyword]);
    }
    for (const keyword of REFERENCES) {
      const written = schema[keyword];
      if (typeof written !== "string") continue;
      this.references.push({ holder: schema, keyword, pointer: `${pointer}/${keyword}`, written, from: resource });
    }
    for (const [keyword, value] of Object.entries(schema)) {
      mapSchemas(keyword, value, (inner, steps) => {
        this.visit(inner, pointer + [keyword, ...steps].map(pointerStep).join(""), resource, draft);
      });
    }
  }

  /** The resource that a schema belongs to: one of its own if it has an `$id`. */
  private enter(schema: SchemaObject, pointer: string, around: Resource): Resource {
    const { $id: id } = schema;
    if (typeof id !== "string") return around;
    if (id.startsWith("#")) {
      around.anchors.add(id.slice(1));
      return around;
    }
    const complain = (message: string) => this.faults.push({ pointer: `${pointer}/$id`, message });
    const uri = resolve(id, around)?.uri ?? "";
    if (uri === "") complain("is no address (URI)");
    if (META_SCHEMA.test(uri)) complain("is the address of a draft itself; give the schema an address of its own");
    if (this.resources.has(uri)) complain("is the address of another part of the schema already");
    const resource = { uri, root: schema, anchors: new Set<string>() };
    this.resources.set(uri, resource);
    return resource;
  }
}

/** The address of a resource, and what stands behind the `#`. */
interface Target {
  uri: string;
  fragment: string;
}

/** Where a reference leads; null: it is no address. */
function resolve(written: string, from: Resource): Target | null {
  if (!URL.canParse(written, from.uri)) return null;
  const [uri = "", fragment = ""] = new URL(written, from.uri).href.split("#");
  try {
    return { uri, fragment: decodeURIComponent(fragment) };
  } catch {
    return null;
  }
}

function explain({ pointer, written, from }: Reference, resources: Map<string, Resource>): Fault[] {
  const target = resolve(written, from);
  if (target === null) return [{ pointer, message: "is no address (URI)" }];
  if (META_SCHEMA.test(target.uri)) return [];
  if (!resources.has(target.uri)) {
    const message = `leads out of this schema (${target.uri}); nothing is fetched: copy it into "$defs" and refer to it there`;
    return [{ pointer, message }];
  }
  return locate(target, resources) ? [] : [{ pointer, message: `leads to "#${target.fragment}", which is not there` }];
}

/** The same target as seen from the innermost resource that it is in; null if there is no schema. */
function locate({ uri, fragment }: Target, resources: Map<string, Resource>): Target | null {
  const resource = resources.get(uri);
  if (resource === undefined) return null;
  if (fragment === "" || resource.anchors.has(fragment)) return { uri, fragment };
  if (!fragment.startsWith("/")) return null;
  let place: unknown = resource.root;
  let found: Target = { uri, fragment: "" };
  for (const step of fragment.slice(1).split("/")) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, key)) return null;
    place = (place as SchemaObject)[key];
    const inner = [...resources.values()].find(({ root }) => root === place);
    found = inner ? { uri: inner.uri, fragment: "" } : { uri: found.uri, fragment: `${found.fragment}/${step}` };
  }
  return typeof place === "boolean" || isObject(place) ? found : null;
}
