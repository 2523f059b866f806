// Cron expressions, instants, frequencies and zones that cannot be kept, each refused with the field that is wrong.
import type { HostileConfig } from "./hostile-input.js";

const FIELDS = /has \d+/;
const NEVER = /never fires/;

function cron(expression: string, says: RegExp, title = JSON.stringify(expression)): HostileConfig {
  const text = JSON.stringify({ name: "new", cron: expression });
  const code = says === NEVER ? "never_fires" : "invalid_config";
  return { title: `cron ${title}`, status: 400, code, place: "/cron", says, text };
}
const TOO_LONG = /at most 120/;

const EXPRESSIONS: HostileConfig[] = [
  cron("", /is empty/),
  cron(" \t ", /is empty/),
  cron("*", FIELDS),
  cron("* * *", FIELDS),
  cron("* * * *", FIELDS),
  cron("* * * * * * *", FIELDS),
  cron("0 0 1 1 * 2027 *", FIELDS),
  cron("@reboot", /macro "@reboot" is not known/),
  cron("@every 5m", /is not known/),
  cron("@constructor", /is not known/),
  cron("@__proto__", /is not known/),
  cron("0 2 * * *\n* * * * *", /U\+000A in field 5/),
  cron("0 2 * * *\n", /U\+000A/),
  cron("0 2 * * *\r\n", /U\+000D/),
  cron("0 2 * * *\0", /U\+0000/),
  cron("0 2\u00a0* * *", /U\+00A0 in field 2/),
  cron("0 2 * * *\u202e", /U\+202E/),
  cron("60 * * * *", /The minute \(field 1/),
  cron("60 * * * * *", /The second \(field 1/),
  cron("0 24 * * *", /The hour \(field 2/),
  cron("0 0 0 * *", /The day of month \(field 3/),
  cron("0 0 32 * *", /The day of month \(field 3/),
  cron("0 0 * 13 *", /The month \(field 4/),
  cron("0 0 * * 8", /The day of week \(field 5/),
  cron("*/0 * * * *", /The minute .* the step/),
  cron("*/-1 * * * *", /The minute .* the step/),
  cron("*/99999999999999999999 * * * *", /The minute .* the step/),
  cron("0-59/-1 * * * *", /The minute .* the step/),
  cron("1/2/3 * * * *", /more than one "\/"/),
  cron("5-1 * * * *", /runs backwards/),
  cron("L * * * *", /The minute .* "L"/),
  cron("H * * * *", /The minute .* "H"/),
  cron("٥ * * * *", /The minute .* "٥"/),
  cron("0 ５ * * *", /The hour .* "５"/),
  cron("1e1 * * * *", /The minute .* "1e1"/),
  cron("0x5 * * * *", /The minute .* "0x5"/),
  cron("-5 * * * *", /The minute .* "-5"/),
  cron("1.5 * * * *", /The minute .* "1.5"/),
  cron("constructor * * * *", /The minute/),
  cron("5,, * * * *", /a value is missing/),
  cron("$(id) * * * *", /The minute/),
  cron("'; DROP TABLE batches; -- * * *", /The minute|has \d+/),
  cron("0 0 30 2 *", NEVER),
  cron("0 0 31 4,6,9,11 *", NEVER),
  cron("0 0 31 4-9/5 ?", NEVER),
  cron("0 0 30W 2 *", NEVER),
  cron("0 0 0 30 feb *", NEVER),
  cron("*,".repeat(20_000), TOO_LONG, "of 40 KB"),
  cron(`${" ".repeat(500_000)}0 2 * * *`, TOO_LONG, "behind 500 KB of spaces"),
  cron(`0 2 * * ${"1,".repeat(60)}1`, TOO_LONG, "with a list of 121 characters"),
  cron("9".repeat(119), FIELDS, "of 119 digits"),
];

function key(name: string, value: unknown, says: RegExp, more: object = {}, place = `/${name}`): HostileConfig {
  const text = JSON.stringify({ name: "new", ...more, [name]: value });
  const title = `${name} ${JSON.stringify(value).slice(0, 60)}`;
  return { title, status: 400, code: "invalid_config", place, says, text };
}

const ZONE = /IANA time zone/;
const INSTANT = /ISO 8601|instant/;

const OTHERS: HostileConfig[] = [
  ...["", " UTC", "../etc", "../../etc/passwd", "Mars/Base", "+25:00", "+01:00", "UTC+1", "IST", "Europe/Berlin\0"],
  ...["Europe/Berlin\n", "posix/Europe/Berlin/x/y", "SystemV/AST4", "Etc/Unknown", "A".repeat(100_000)],
].map((zone) => key("timeZone", zone, ZONE, { cron: "0 2 * * *" }));

const INSTANTS: HostileConfig[] = [
  ...["", "tomorrow", "2027-01-31", "2027-01-31T08:00:00", "2027-02-30T08:00:00Z", "2027-01-31T25:00:00Z"],
  ...["2027-01-31T08:00:00+99:00", "+275760-09-13T00:00:00Z", "1800000000", "2".repeat(100_000)],
].map((at) => key("at", at, INSTANT));

const FREQUENCIES: HostileConfig[] = [
  key("at", "2020-02-29T12:00:00Z", /past/),
  key("at", "1970-01-01T00:00:00Z", /past/),
  key("every", "minutely", /hourly, daily/),
  key("every", "", /hourly, daily/),
  key("every", {}, /frequency/),
  key("every", { frequency: "daily", at: "24:00" }, /time of day/, {}, "/every/at"),
  key("every", { frequency: "daily", at: "1:00" }, /time of day/, {}, "/every/at"),
  key("every", { frequency: "daily", minute: 5 }, /no meaning for daily/, {}, "/every/minute"),
  key("every", { frequency: "hourly", minute: 60 }, /whole number from 0 to 59/, {}, "/every/minute"),
  key("every", { frequency: "monthly", day: 32 }, /day of the month/, {}, "/every/day"),
  key("every", { frequency: "weekly", weekday: "someday" }, /weekday/),
  key("every", "daily", /only one of cron, every/, { cron: "@daily" }),
  key("at", "2027-01-31T08:00:00Z", /only one of cron, at/, { cron: "@daily" }),
];

export const SCHEDULES: HostileConfig[] = [...EXPRESSIONS, ...OTHERS, ...INSTANTS, ...FREQUENCIES];

/** What a service with a MIN_INTERVAL of 10 s refuses, for being due more often. */
export const FREQUENT: HostileConfig[] = [
  "* * * * * *",
  "*/5 * * * * *",
  "*/7 * * * * *", // 56 and then 0: 4 seconds
  "0,5 * * * * *",
  "0,59 * * * * *", // 59 and then 0 of the next minute
  "0,59 59,0 * * * *",
  "1-9 0 0 1 1 *", // only for nine seconds a year
].map((expression) => ({ ...cron(expression, /often|MIN_INTERVAL/), code: "too_frequent" }));
