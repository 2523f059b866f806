// Triggers, their schemas and their firings that must be refused: what deceives, leads out, or is meant to hold up.
import type { HostileInput } from "./hostile-input.js";

/** The trigger that is there already, and fires on whole numbers below 10 alone. */
export const HOOK = { name: "hook", kind: "api", schema: { type: "integer", maximum: 9 } } as const;

type Refusal = Pick<HostileInput, "status" | "code" | "place" | "says">;

function post(title: string, path: string, text: string, refusal: Refusal): HostileInput {
  const headers = { "Content-Type": "application/json" };
  return { title, ...refusal, request: () => ({ path: `/api/v1/triggers${path}`, headers, body: Buffer.from(text) }) };
}

function trigger(title: string, keys: object, refusal: Refusal): HostileInput {
  return post(`trigger: ${title}`, "", JSON.stringify({ name: "new", kind: "api", ...keys }), refusal);
}

const field = (place: string, says: RegExp, code = "invalid_request"): Refusal => ({ status: 400, code, place, says });

const FIELDS: HostileInput[] = [
  trigger("an id of its own", { id: 7 }, field("/id", /unknown key/)),
  trigger("a token of its own", { tokenHash: "0".repeat(64) }, field("/tokenHash", /unknown key/)),
  trigger("a creator of its own", { createdBy: { kind: "system", name: "x" } }, field("/createdBy", /unknown key/)),
  trigger("an object for a name", { name: { $ne: "" } }, field("/name", /string/)),
  trigger("a name with a line end", { name: "a\r\nX: y" }, field("/name", /control/)),
  trigger("a name with a NUL", { name: "a\0" }, field("/name", /control/)),
  trigger("a name that turns the line around", { name: "a\u202egpj.exe" }, field("/name", /control/)),
  trigger("a name of white space", { name: "  " }, field("/name", /white space/)),
  trigger("a description with a NUL", { description: "\0" }, field("/description", /NUL/)),
  trigger("a description of 10 KB", { description: "x".repeat(10_000) }, field("/description", /at most 1000/)),
  trigger("a batch that is a path", { batch: "../../etc" }, field("/batch", /an id, or a name/)),
  trigger("a batch that is a query", { batch: "1 or 1=1" }, { status: 404, code: "not_found" }),
  trigger("a list for a batch", { batch: [1] }, field("/batch", /id or the name/)),
  trigger("a version that is a fraction", { batch: "base", version: 1.5 }, field("/version", /./)),
  trigger("a zone that is a path", { timeZone: "../etc/passwd" }, field("/timeZone", /IANA/)),
  trigger("an endless cron", { kind: "cron", cron: "*,".repeat(20_000) }, field("/cron", /at most 120/)),
  trigger("a cron that is never due", { kind: "cron", cron: "0 0 31 2 *" }, field("/cron", /never fires/)),
  trigger(
    "an instant in the past",
    { kind: "once", at: "2020-01-01T00:00:00Z" },
    field("/at", /past/, "invalid_trigger"),
  ),
  trigger("an instant without a zone", { kind: "once", at: "2027-01-01T00:00:00" }, field("/at", /zone/)),
  trigger("an instant that is none", { kind: "once", at: "2027-02-30T00:00:00Z" }, field("/at", /./)),
  post("trigger: a list", "", "[]", { status: 400, code: "invalid_request", place: "" }),
  post("trigger: no JSON", "", "{", { status: 400, code: "invalid_json" }),
  post("trigger: a key twice", "", '{"name":"a","name":"b","kind":"api"}', { status: 400, code: "duplicate_key" }),
  post("trigger: __proto__", "", '{"name":"a","kind":"api","__proto__":{}}', { status: 400, code: "unsafe_key" }),
];

const bad = (place: string, says: RegExp, code = "schema_invalid"): Refusal => ({ status: 422, code, place, says });
const nested = (depth: number): object => (depth === 0 ? {} : { not: nested(depth - 1) });
const withSchema = (title: string, schema: unknown, refusal: Refusal) =>
  trigger(`schema: ${title}`, { schema }, refusal);

const SCHEMAS: HostileInput[] = [
  withSchema("a type that is none", { type: "strin" }, bad("/schema/type", /./)),
  withSchema("a pattern that is none", { pattern: "(" }, bad("/schema/pattern", /./)),
  withSchema("a pattern that looks back", { pattern: "(a)\\1" }, bad("/schema/pattern", /./)),
  withSchema("a part that is not there", { $ref: "#/nowhere" }, bad("/schema/$ref", /./)),
  withSchema(
    "a draft of long ago",
    { $schema: "http://json-schema.org/draft-04/schema#" },
    bad("/schema/$schema", /draft/),
  ),
  withSchema("21 levels", nested(20), { status: 400, code: "too_deep" }),
  withSchema("100 KB", { title: "x".repeat(100_000) }, bad("/schema", /too large/, "schema_too_complex")),
  trigger("schema: a number", { schema: 7 }, field("/schema", /must be a JSON Schema/)),
  trigger("schema: null", { schema: null }, field("/schema", /must be a JSON Schema/)),
];

const fire = (title: string, text: string, refusal: Refusal, id = "1") =>
  post(`firing: ${title}`, `/${id}/fire`, text, refusal);
const unfit = { status: 400, code: "payload_invalid", place: "/payload" };
const ids = ["0", "-1", "1e0", "0x1", "1abc", "1%20or%201=1", "9".repeat(300), "..%2f1", "%00", "1.0"];

const FIRINGS: HostileInput[] = [
  fire("too great", '{"payload":10}', unfit),
  fire("text", '{"payload":"7"}', unfit),
  fire("a fraction", '{"payload":7.5}', unfit),
  fire("nothing at all", "{}", unfit),
  fire("null", '{"payload":null}', unfit),
  fire("beside the payload", '{"payload":7,"args":["-x"]}', field("/args", /unknown key/)),
  fire("no object", "7", { status: 400, code: "invalid_request" }),
  fire("endless depth", `{"payload":${"[".repeat(50_000)}${"]".repeat(50_000)}}`, { status: 400, code: "too_deep" }),
  fire("a number beyond all", '{"payload":1e999}', { status: 400, code: "unsafe_number" }),
  fire("a key twice", '{"payload":{"a":1,"a":2}}', { status: 400, code: "duplicate_key" }),
  fire("half a character", '{"payload":"\\ud800"}', { status: 400, code: "invalid_json" }),
  fire("2 MB", `{"payload":"${"x".repeat(2_000_000)}"}`, { status: 413, code: "too_large" }),
  fire("a trigger that is not there", '{"payload":7}', { status: 404, code: "not_found" }, "99"),
  ...ids.map((id) => fire(`the id ${id.slice(0, 20)}`, '{"payload":7}', { status: 400, code: "invalid_request" }, id)),
  post("firing: an endless wait", "/1/fire?wait=1y", '{"payload":7}', { ...field("query/wait", /a duration/) }),
];

export const TRIGGERS: HostileInput[] = [...FIELDS, ...SCHEMAS, ...FIRINGS];
