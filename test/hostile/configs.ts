// Batch configs whose keys or values must be refused where they stand.
import type { HostileConfig } from "./hostile-input.js";

/** A config with one key more than a name. */
function key(
  name: string,
  value: unknown,
  { place = `/${name}`, title = "", says = undefined as RegExp | undefined } = {},
) {
  const text = JSON.stringify({ name: "new", [name]: value });
  return expected(`${name} ${title || JSON.stringify(value).slice(0, 60)}`, text, place, says);
}

function expected(title: string, text: string, place: string, says?: RegExp): HostileConfig {
  return { title: `config: ${title}`, status: 400, code: "invalid_config", place, text, ...(says ? { says } : {}) };
}

const ONLY_THE_SERVICE = [
  "id",
  "role",
  "path",
  "status",
  "createdAt",
  "updatedAt",
  "version",
  "enabled",
  "owner",
  "etag",
];
const OF_JAVASCRIPT = ["constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__"];

const UNKNOWN_KEYS: HostileConfig[] = [
  ...[...ONLY_THE_SERVICE, ...OF_JAVASCRIPT, "", "NAME", "name ", "na\u0000me"].map((name) =>
    key(name, 1, { says: /unknown key/ }),
  ),
  key("retry", { attempts: 2, constructor: 1 }, { place: "/retry/constructor" }),
  key("retry", { attempts: 2, id: 1 }, { place: "/retry/id" }),
  key("every", { frequency: "daily", constructor: 1 }, { place: "/every/constructor" }),
  key("misfire", { policy: "skip", prototype: 1 }, { place: "/misfire/prototype" }),
  expected("4999 unknown keys", withKeys(4998), "/k0", /unknown key/),
  expected("a key of 100 KB", `{"name":"new","${"k".repeat(100_000)}":1}`, `/${"k".repeat(200)}…`, /unknown key/),
];

function withKeys(count: number): string {
  return JSON.stringify({ name: "new", ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i])) });
}

const WRONG_KINDS: HostileConfig[] = [
  key("description", { toString: "x" }),
  key("description", ["x"]),
  key("description", 1),
  key("description", null),
  key("cron", { toString: "0 2 * * *" }),
  key("cron", ["0 2 * * *"]),
  key("cron", true),
  key("at", { $gt: "" }),
  key("at", 1_800_000_000),
  key("every", 60),
  key("every", ["daily"]),
  key("timeZone", { length: 3 }),
  key("timeZone", null),
  key("dst", ["skip"]),
  key("args", "one two"),
  key("args", { 0: "one", length: 1 }),
  key("args", ["one", 2], { place: "/args/1" }),
  key("args", ["one", ["two"]], { place: "/args/1" }),
  key("env", ["A=1"]),
  key("env", "A=1"),
  key("env", null),
  key("env", { A: 1 }, { place: "/env/A" }),
  key("env", { A: { toString: "1" } }, { place: "/env/A" }),
  key("env", { A: null }, { place: "/env/A" }),
  key("independent", "true"),
  key("independent", 1),
  key("after", "base"),
  key("after", [{ name: "base" }], { place: "/after/0" }),
  key("requires", { 0: "base" }),
  key("concurrency", "2"),
  key("concurrency", 1.5),
  key("concurrency", 0),
  key("concurrency", 257),
  key("retry", 3),
  key("retry", { attempts: "3" }, { place: "/retry/attempts" }),
  key("retry", { attempts: 1e9 }, { place: "/retry/attempts" }),
  key("warningExitCodes", [0], { place: "/warningExitCodes/0" }),
  key("warningExitCodes", [256], { place: "/warningExitCodes/0" }),
  key("overlap", "Skip"),
  key("runOn", "constructor"),
];

/** A config of this name alone. */
function named(title: string, name: unknown): HostileConfig {
  return expected(`a name ${title}`, JSON.stringify({ name }), "/name");
}

const NAMES: HostileConfig[] = [
  expected("no name", "{}", "/name", /is missing/),
  named("that is an object", { toString: "x" }),
  named("that is a list", ["x"]),
  named("that is a number", 1),
  named("that is null", null),
  named("that is empty", ""),
  named("with a slash", "a/b"),
  named("that climbs", "../a"),
  named("with a backslash", "a\\b"),
  named("of one dot", "."),
  named("of two dots", ".."),
  named("with a dot at its end", "a."),
  named("with a space at its end", "a "),
  named("with a line break at its end", "a\n"),
  named("with a NUL", "a\0b"),
  named("with line breaks", "a\r\nBcc: b"),
  named("with a terminal's command", "a\x1b]0;b\x07"),
  named("written from right to left", "a\u202eb"),
  named("with a line separator", "a\u2028b"),
  named("like an id", "12"),
  named("of a device", "con"),
  named("of a device in capitals", "NUL"),
  named("of a device with an ending", "com1.log"),
  named("of 129 characters", "n".repeat(129)),
  named("of 10 KB", "n".repeat(10_240)),
  named("of 10 KB in pieces", "e\u0301".repeat(3413)),
];

/** A config with one environment variable. */
function variable(name: string, value = "x", title = name): HostileConfig {
  const place = `/env/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return expected(`env ${title}`, JSON.stringify({ name: "new", env: { [name]: value } }), place);
}

const VARIABLES: HostileConfig[] = [
  ...["BASH_ENV", "ENV", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PATH", "IFS", "NODE_OPTIONS"],
  ...["SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "UID", "_", "BATCHLINE_EXECUTION_ID"],
  ...["BASH_FUNC_x%%", "BASH_FUNC_ls()", "", "1A", "A B", "A=B", "A-B", "A/B", "a.b", "ä", "A\0", "A\n"],
].map((name) => variable(name));

const VALUES: HostileConfig[] = [
  variable("A", "x\0y", "with a NUL in its value"),
  variable("A", "x".repeat(128 * 1024), "with a value of 128 KiB"),
  variable("A", "é".repeat(65 * 1024), "with a value of 130 KiB in letters of two bytes"),
  variable("A", "x".repeat(128 * 1024 - 2), "that has 128 KiB with its name"),
  key("args", ["x\0y"], { place: "/args/0" }),
  key("args", ["x".repeat(128 * 1024)], { place: "/args/0", title: "one of 128 KiB" }),
  key(
    "args",
    Array.from({ length: 1001 }, () => ""),
    { title: "1001 of them" },
  ),
  key("description", "a\0b"),
  key("description", "d".repeat(10_001), { title: "of 10,001 characters" }),
  { ...key("script", "../a.zip"), alone: true },
  { ...key("script", "a\\b.zip"), alone: true },
  { ...key("script", "a\0.zip"), alone: true },
  { ...key("script", ""), alone: true },
  key("after", ["a\0b"], { place: "/after/0" }),
  key("after", []),
  key(
    "after",
    Array.from({ length: 101 }, () => "base"),
    { title: "101 of them" },
  ),
  key("excludes", ["a\nb"], { place: "/excludes/0" }),
  key("excludes", ["n".repeat(129)], { place: "/excludes/0", title: "one of 129 characters" }),
  key("requires", ["nobody"], { place: "/requires/0" }),
  key("waitFor", ["nobody"], { place: "/waitFor/0" }),
  key("waitFor", ["new"], { place: "/waitFor/0" }),
  ...["", "0s", "-5s", "1.5h", "5", "5 s", "٥s", "367d", "9".repeat(40) + "s", "1e3s"].map((text) =>
    key("timeout", text),
  ),
  key("killAfter", "1s".repeat(100_000) + "x", { title: "of 200 KB" }),
];

export const CONFIGS: HostileConfig[] = [...UNKNOWN_KEYS, ...WRONG_KINDS, ...NAMES, ...VARIABLES, ...VALUES];
