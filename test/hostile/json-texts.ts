// Texts that are no JSON, or JSON that programs read in different ways: as configs, and as bodies of requests.
import { gzipSync } from "node:zlib";
import { BASE, filePart, GOOD_ZIP, uploadOf, type HostileConfig, type HostileInput } from "./hostile-input.js";

/** What goes behind `{"name":"new",` of a config or `{` of a body, and how the document is refused for it. */
interface Text {
  title: string;
  code: string;
  place: string;
  rest: string;
}

function text(code: string, place: string, rest: string, title = rest.slice(0, 60)): Text {
  return { title, code, place, rest };
}

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
/** Where the 21st level of an array begins that is the value of this key. */
const tooDeep = (key: string) => `/${key}${"/0".repeat(19)}`;

const TWICE: Text[] = [
  text("duplicate_key", "/args", '"args":[],"args":["x"]}'),
  text("duplicate_key", "/args", '"args":["x"],"args":["x"]}'),
  text("duplicate_key", "/args", '"args":[],"\\u0061rgs":[]}'),
  text("duplicate_key", "/x", '"x":1,"y":{"x":1},"x":2}'),
  text("duplicate_key", "/x/a", '"x":{"a":{"b":1},"a":2}}'),
  text("duplicate_key", "/x/1/a~1b", '"x":[{"a/b":1},{"a/b":1,"a/b":2}]}'),
  text("duplicate_key", "/", '"":1,"":2}'),
  text("duplicate_key", "/x/k", `"x":{${'"k":1,'.repeat(20_000)}"k":1}}`, "one key 20,001 times"),
];

const KEYS: Text[] = [
  text("unsafe_key", "/__proto__", '"__proto__":{"args":["x"]}}'),
  text("unsafe_key", "/__proto__", '"__proto__":null}'),
  text("unsafe_key", "/__proto__", '"\\u005f_proto__":1}'),
  text("unsafe_key", "/env/__proto__", '"env":{"__proto__":"x"}}'),
  text("unsafe_key", "/retry/__proto__", '"retry":{"attempts":2,"__proto__":{}}}'),
  text("unsafe_key", "/every/__proto__", '"every":{"frequency":"daily","__proto__":{}}}'),
  text("unsafe_key", "/alerts/on/__proto__", '"alerts":{"on":{"__proto__":[]}}}'),
  text("unsafe_key", "/payload/0/__proto__", '"payload":[{"__proto__":{"x":1}}]}'),
];

const NUMBERS: Text[] = [
  ...["1e999", "-1e999", "-0", "-0.0", "-0e5", "1e-999", "-1e-999", "0.0000001e-400"],
  ...["9007199254740993", "9007199254740992", "-9007199254740993", "100000000000000000000"],
].map((number) => text("unsafe_number", "/payload/0", `"payload":[${number}]}`));

const LONG_NUMBERS: Text[] = [
  text("unsafe_number", "/concurrency", `"concurrency":${"9".repeat(100_000)}}`, "100,000 digits"),
  text("unsafe_number", "/concurrency", '"concurrency":-0}'),
];

const DEPTHS: Text[] = [
  text("too_deep", tooDeep("args"), `"args":${nested("[", "]", 21)}}`, "21 levels"),
  text("too_deep", tooDeep("args"), `"args":${nested("[", "]", 45_000)}}`, "45,000 arrays"),
  text("too_deep", tooDeep("args"), `"args":${nested("[", "]", 500_000)}}`, "500,000 arrays"),
  text("too_deep", `/x${"/a".repeat(19)}`, `"x":${'{"a":'.repeat(45_000)}1${"}".repeat(45_000)}}`, "45,000 objects"),
];

const HALVES: Text[] = [
  text("invalid_json", "/description", '"description":"\\ud800"}'),
  text("invalid_json", "/description", '"description":"\\udc00\\ud800"}'),
  text("invalid_json", "/\ud800", '"\\ud800":1}'),
];

const NO_JSON: Text[] = [
  ...["", '"args":', '"args":}', '"args":[],}', '"args":[1 2]}', "'args':[]}", "args:[]}", '"args":undefined}'],
  ...['"args":["\t"]}', '"args":["\0"]}', '"args":NaN}', '"args":0x1}', '"args":01}', '"args":+1}', '"args":.5}'],
  ...['"args":[]} {}', '"args":[]}}', '/* */"args":[]}', '"args":"\\x41"}', '"args":[]}\0', "\u00a0}"],
].map((rest) => text("invalid_json", "", rest, JSON.stringify(rest)));

const TEXTS = [...TWICE, ...KEYS, ...NUMBERS, ...LONG_NUMBERS, ...DEPTHS, ...HALVES, ...NO_JSON];

export const JSON_CONFIGS: HostileConfig[] = TEXTS.map(({ title, code, place, rest }) => {
  const alone = NO_JSON.some((each) => each.rest === rest) || code === "too_deep";
  return { title: `JSON config: ${title}`, status: 400, code, place, text: `{"name":"new",${rest}`, alone };
});

const RUN = `/api/v1/batches/${BASE}/run`;
const JSON_TYPE = { "Content-Type": "application/json" };

function body(
  title: string,
  code: string,
  bytes: string | Buffer,
  more: Partial<HostileInput> = {},
  headers = {},
): HostileInput {
  const request = () => ({ path: RUN, headers: { ...JSON_TYPE, ...headers }, body: Buffer.from(bytes) });
  return { title: `body: ${title}`, status: 400, code, request, ...more };
}

const UNSUPPORTED = { status: 415 };
const TOO_LARGE = { status: 413 };
const packed = { "Content-Encoding": "gzip" };
const ofType = (type: string) => ({ "Content-Type": type });
const LIMIT = 1024 ** 2;

/** A body of exactly so many bytes. */
const sized = (bytes: number) => `{"payload":"${"x".repeat(bytes - 14)}"}`;

export const BODIES: HostileInput[] = [
  ...TEXTS.map(({ title, code, place, rest }) => body(title, code, `{${rest}`, { place })),
  body("a BOM and nothing else", "invalid_json", "\ufeff"),
  body("two BOMs", "invalid_json", "\ufeff\ufeff{}"),
  body("UTF-16", "invalid_json", Buffer.from("\ufeff{}", "utf16le")),
  body("UTF-16 without a mark", "invalid_json", Buffer.from("{}", "utf16le")),
  body("Latin-1", "invalid_json", Buffer.from('{"args":["\xe4"]}', "latin1")),
  body("overlong UTF-8", "invalid_json", Buffer.from('{"args":["\xc0\xaf"]}', "latin1")),
  body("another alphabet", "unsupported", "{}", UNSUPPORTED, ofType("application/json; charset=latin1")),
  body("UTF-16 by its header", "unsupported", "{}", UNSUPPORTED, ofType('application/json; charset="utf-16"')),
  body("an alphabet that is none", "unsupported", "{}", UNSUPPORTED, ofType("application/json; charset=constructor")),
  body("a form", "not_json", "args=x", UNSUPPORTED, ofType("application/x-www-form-urlencoded")),
  body("text, as a foreign page would send it", "not_json", "{}", UNSUPPORTED, ofType("text/plain")),
  body("multipart", "not_json", "{}", UNSUPPORTED, ofType("multipart/form-data; boundary=x")),
  body("almost JSON by its header", "not_json", "{}", UNSUPPORTED, ofType("application/jsonx")),
  body("no media type", "not_json", "{}", UNSUPPORTED, ofType("")),
  body("said to be gzip and is none", "invalid", "{}", {}, packed),
  body("gzip that breaks off", "invalid", gzipSync("{}").subarray(0, -9), {}, packed),
  body("gzip that is no JSON", "invalid_json", gzipSync("{"), {}, packed),
  body("gzip that unpacks to 2 MB", "too_large", gzipSync(sized(2 * LIMIT)), TOO_LARGE, packed),
  body("a packing that is not known", "unsupported", "{}", UNSUPPORTED, { "Content-Encoding": "lzma" }),
  body("packed twice", "unsupported", gzipSync(gzipSync("{}")), UNSUPPORTED, { "Content-Encoding": "gzip, gzip" }),
  body("one byte over the limit", "too_large", sized(LIMIT + 1), TOO_LARGE),
  body("an argument with a NUL", "invalid_request", '{"args":["a\\u0000"]}', { place: "/args/0" }),
  body("an argument that is an object", "invalid_request", '{"args":[{"toString":1}]}', { place: "/args/0" }),
  body("a key of the service", "invalid_request", '{"id":1}', { place: "/id" }),
  body("a key of JavaScript", "invalid_request", '{"constructor":{}}', { place: "/constructor" }),
  body("25,000 unknown keys", "invalid_request", manyKeys(25_000), { place: "/k0" }),
  body("90,000 keys", "too_many_keys", manyKeys(90_000), { place: "/k25000" }),
  body("a list", "invalid_request", "[]", { place: "" }),
  body("null", "invalid_request", "null", { place: "" }),
];

function manyKeys(count: number): string {
  return `{${Array.from({ length: count }, (_, i) => `"k${i}":1`).join()}}`;
}

/** A config that comes as a file, or as a field, of these very bytes. */
function raw(
  title: string,
  bytes: Buffer,
  expected: Partial<HostileInput> & { code: string },
  fileName?: string,
): HostileInput {
  const part = { name: "config", content: bytes, ...(fileName === undefined ? {} : { fileName }) };
  const request = () => uploadOf([part, filePart("batches", GOOD_ZIP)]);
  return { title: `config ${fileName === undefined ? "field" : "file"}: ${title}`, status: 400, request, ...expected };
}

const exactly = (bytes: number) => Buffer.from(`{"name":"new"}`.padEnd(bytes));
const NOT_JSON = { code: "invalid_json" };
const latin1 = Buffer.from('{"name":"new","description":"\xe4"}', "latin1");
const utf16 = Buffer.from('\ufeff{"name":"new"}', "utf16le");

export const CONFIG_BYTES: HostileInput[] = [
  raw("empty", Buffer.alloc(0), NOT_JSON),
  raw("empty", Buffer.alloc(0), NOT_JSON, "config.json"),
  raw("only a BOM", Buffer.from("\ufeff"), NOT_JSON, "config.json"),
  raw("UTF-16", utf16, NOT_JSON),
  raw("UTF-16", utf16, NOT_JSON, "config.json"),
  raw("UTF-16, the other way round", Buffer.from(utf16).swap16(), NOT_JSON, "config.json"),
  raw("UTF-16 without a mark", utf16.subarray(2), NOT_JSON, "config.json"),
  raw("Latin-1", latin1, NOT_JSON),
  raw("Latin-1", latin1, NOT_JSON, "config.json"),
  raw("overlong UTF-8", Buffer.from('{"name":"\xc0\xaf"}', "latin1"), NOT_JSON, "config.json"),
  raw("gzip", gzipSync('{"name":"new"}'), NOT_JSON, "config.json"),
  raw("an archive in its place", GOOD_ZIP, NOT_JSON, "config.json"),
  raw("one byte over the limit", exactly(LIMIT + 1), { code: "too_large", status: 413 }),
  raw("one byte over the limit", exactly(LIMIT + 1), { code: "too_large", status: 413 }, "config.json"),
  raw("a list", Buffer.from('[{"name":"new"}]'), { code: "invalid_config", place: "" }),
  raw("a string", Buffer.from('"name"'), { code: "invalid_config", place: "" }),
  raw("null", Buffer.from("null"), { code: "invalid_config", place: "" }),
  raw("5001 keys", Buffer.from(manyKeys(5001)), { code: "too_many_keys", place: "/k5000" }),
];
