// JSON text from outside: what is taken, and every fault with its place.
import { expect, it } from "vitest";
import { jsonRefusal, readJson, utf8Text } from "../../src/models/json.js";

const faults = (text: string, options = {}) => {
  const reading = readJson(text, options);
  return reading.ok ? [] : reading.faults.map(({ code, pointer }) => `${code} ${pointer}`);
};

it.each([
  ...["{}", " [ ] ", "null", "0", '""', '{"a":{"a":{"a":1}},"b":{"a":1}}', '[{"a":1},{"a":1}]', '{"a":"a","b":"a"}'],
  ...['["{\\"a\\":1,\\"a\\":2}", "[[", "1e999", "\\\\"]', '{"a,":1,"a:":[",",":"]}', '{"constructor":1,"__proto":2}'],
  ...["[0, -1, 0.5, 1e300, 1E-7, 9007199254740991, -9007199254740991, 9007199254740993.5]", "[true,false,null]"],
  ...['["\\ud83d\\ude42","🙂","\\ufffd"]', '"\\u0000"', `${"[".repeat(20)}${"]".repeat(20)}`],
])("takes %s as JavaScript does", (text) => {
  expect(readJson(text)).toEqual({ ok: true, document: JSON.parse(text) as unknown });
});

it("takes one byte order mark, and not a second", () => {
  expect(readJson("\ufeff{}")).toEqual({ ok: true, document: {} });
  expect(faults("\ufeff\ufeff{}")).toEqual(["invalid_json "]);
});

it("tells all faults at once, each by its place", () => {
  const text = '{"a":[1,{"b/~":-0}],"a":1e999,"":{"x":1,"x":2},"__proto__":["\\ud800"],"c":[[],[9007199254740993]]}';
  expect(faults(text)).toEqual([
    "unsafe_number /a/1/b~1~0",
    "duplicate_key /a",
    "unsafe_number /a",
    "duplicate_key //x",
    "unsafe_key /__proto__",
    "invalid_json /__proto__/0",
    "unsafe_number /c/1/0",
  ]);
});

it("finds the same key in another spelling", () => {
  expect(faults('{"name":1,"n\\u0061me":2}')).toEqual(["duplicate_key /name"]);
});

it("says where nesting goes too deep, and looks no further", () => {
  const deep = `{"a":${"[".repeat(100_000)}-0${"]".repeat(100_000)}}`;
  expect(faults(deep)).toEqual([`too_deep /a${"/0".repeat(19)}`]);
});

it("counts keys where each of them is looked at", () => {
  expect(faults('{"a":{"b":1},"c":[{"d":1}]}', { maxKeys: 4 })).toEqual([]);
  expect(faults('{"a":{"b":1},"c":[{"d":1,"e":2}]}', { maxKeys: 4 })).toEqual(["too_many_keys /c/0/e"]);
});

it("tells a hundred faults at most", () => {
  expect(faults(`{${'"a":1,'.repeat(1000)}"a":1}`)).toHaveLength(100);
});

it("reads bytes as UTF-8 or not at all", () => {
  expect(utf8Text(Buffer.from("\ufeffä"))).toBe("\ufeffä");
  expect(utf8Text(Buffer.from("ä", "latin1"))).toBeNull();
  expect(utf8Text(Buffer.from("ä", "utf16le").subarray(0, 1))).toBeNull();
});

it("makes a refusal of faults, the first in front", () => {
  const reading = readJson('{"a":1,"a":-0}');
  const refusal = reading.ok ? null : jsonRefusal("config", reading.faults);
  expect(refusal).toMatchObject({ code: "invalid", reason: "duplicate_key" });
  expect(refusal?.message).toBe(
    "The config cannot be used: /a stands twice in the same object; keep one (and 1 more).",
  );
  expect(refusal?.errors.map(({ pointer }) => pointer)).toEqual(["/a", "/a"]);
});
