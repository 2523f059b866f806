// Cron expressions: the one grammar for checking, preview and firing, and the search for the next matching wall time.
import { CronDate, CronPattern as ParsedByCroner } from "croner";
import { CRON_FIELDS, readField } from "./cron-field.js";
import { RecentCache } from "./recent-cache.js";
import { NeverFiresError, ScheduleError } from "./schedule-error.js";

/** A parsed expression. It knows wall times only: the same pattern serves every zone. */
export interface CronPattern {
  /** The expression in plain form (no macros, names or `?`): five fields, or six when the second is not 0. */
  plain: string;
  /** Neither seconds, minutes nor hours have a wildcard: it means times of the day, not a rhythm. */
  fixed: boolean;
  /** First matching wall time at or after `wall`, both in ms as if the wall clock showed UTC; null: none before 3000. */
  nextWallTime(wall: number): number | null;
}

const MAX_LENGTH = 120;
// About 3 KiB each: enough for the expressions of a busy hour, while parsing anew takes some 40 µs.
const MAX_PATTERNS = 1000;
const MACROS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const LONGEST_DAY = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const patterns = new RecentCache<string, CronPattern>(MAX_PATTERNS);

/** Null for a valid cron expression, else one sentence that says what is wrong and where. */
export function explainCron(expression: string): string | null {
  try {
    cronPattern(expression);
    return null;
  } catch (error) {
    if (error instanceof ScheduleError) return error.message;
    throw error;
  }
}

/** True for an expression that can be read, but has no occurrence at all. */
export function neverFires(expression: string): boolean {
  try {
    cronPattern(expression);
    return false;
  } catch (error) {
    return error instanceof NeverFiresError;
  }
}

/** The parsed expression, shared by all who ask for the same text. Throws ScheduleError with the complaint. */
export function cronPattern(expression: string): CronPattern {
  return patterns.getOrMake(expression, parseCron);
}

function parseCron(expression: string): CronPattern {
  const fields = readFields(expression);
  const [second = "", minute = "", hour = ""] = fields;
  return {
    plain: (second === "0" ? fields.slice(1) : fields).join(" "),
    fixed: !`${second}${minute}${hour}`.includes("*"),
    nextWallTime: wallTimeSearch(fields.join(" ")),
  };
}

/** All six fields in plain form, the second being 0 when it is not named. */
function readFields(expression: string): string[] {
  checkText(expression);
  const text = expandMacro(expression);
  const words = [...text.matchAll(/[^ \t]+/g)];
  if (words.length !== 5 && words.length !== 6) {
    throw new ScheduleError(
      `A cron expression has 5 fields (minute, hour, day of month, month, day of week) or 6 (second first), ` +
        `but this one has ${words.length}.`,
    );
  }
  const skipped = CRON_FIELDS.length - words.length;
  const fields = CRON_FIELDS.slice(skipped).map((field, index) => {
    const word = words[index];
    return readField({ field, text: word?.[0] ?? "", fieldNumber: index + 1, column: (word?.index ?? 0) + 1 });
  });
  checkDaysMeet(fields, words.length);
  return skipped === 0 ? fields : ["0", ...fields];
}

function checkText(expression: string): void {
  if (expression.trim() === "") {
    throw new ScheduleError('The cron expression is empty: write five fields such as "30 2 * * *", or leave it out.');
  }
  if (expression.length > MAX_LENGTH) {
    throw new ScheduleError(
      `The cron expression is ${expression.length} characters long; at most ${MAX_LENGTH} are allowed.`,
    );
  }
  // Everything invisible but space and tab; other foreign characters are named with their field later.
  const odd = /[^\P{C}\t]|[^\P{Z} ]/u.exec(expression);
  if (!odd) return;
  const code = (odd[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  throw new ScheduleError(
    `The cron expression has the character U+${code} in field ${fieldNumberAt(expression, odd.index)} ` +
      `(character ${odd.index + 1}): it has to be one line, with spaces or tabs between the fields.`,
  );
}

function fieldNumberAt(expression: string, index: number): number {
  return expression
    .slice(0, index)
    .trimStart()
    .split(/[ \t]+/).length;
}

function expandMacro(expression: string): string {
  const word = expression.trim().toLowerCase();
  if (!word.startsWith("@")) return expression;
  const expanded = Object.hasOwn(MACROS, word) ? MACROS[word] : undefined;
  if (expanded !== undefined) return expanded;
  throw new ScheduleError(
    `The macro "${expression.trim()}" is not known; there are ${Object.keys(MACROS).join(", ")}.`,
  );
}

/**
 * Refuses days of the month that all lie beyond the longest of the months, unless a weekday stands beside them (it
 * would match on its own). Decided by looking, as a search would go through 400 years.
 */
function checkDaysMeet(fields: string[], count: number): void {
  const [dayOfMonth = "", month = "", dayOfWeek = ""] = fields.slice(-3);
  if (dayOfWeek !== "*" || dayOfMonth === "*") return;
  const days = dayOfMonth.split(",").map((element) => (/^[L*]/.test(element) ? 1 : parseInt(element, 10)));
  const months = month.split(",").flatMap(monthsOf);
  const longest = Math.max(...months.map((each) => LONGEST_DAY[each - 1] ?? 31));
  if (Math.min(...days) <= longest) return;
  throw new NeverFiresError(
    `This expression never fires: no month of field ${count - 1} ("${month}") has a day of field ${count - 2} ` +
      `("${dayOfMonth}").`,
  );
}

/** The months that an element in plain form means: `4`, `4-9`, `4-9/2`, `4/2`, or a star with or without a step. */
function monthsOf(element: string): number[] {
  const [range = "", step] = element.split("/");
  const [first = 1, last = step === undefined ? first : 12] = range === "*" ? [1, 12] : range.split("-").map(Number);
  const months = [];
  for (let month = first; month <= last; month += Number(step ?? 1)) months.push(month);
  return months;
}

/**
 * With an offset of 0 croner does plain arithmetic on fields, without zones or the zone of the process. The last answer
 * is kept: whoever walks a zone up to a rare date asks for it from every segment on the way.
 */
function wallTimeSearch(sixFields: string): CronPattern["nextWallTime"] {
  const parsed = parseWithCroner(sixFields);
  let asked = Number.POSITIVE_INFINITY;
  let answer: number | null = null;
  return (wall) => {
    if (wall < asked || (answer !== null && wall > answer)) {
      asked = wall;
      // croner answers with a whole second later than the one it is given, hence the step back.
      answer = new CronDate(new Date(wall - 1), 0).increment(parsed, {}, false)?.getTime() ?? null;
    }
    return answer;
  };
}

function parseWithCroner(sixFields: string): ParsedByCroner {
  try {
    const parsed = new ParsedByCroner(sixFields, undefined, { mode: "6-part", sloppyRanges: true });
    // A list of 10,000 years, all of them chosen, which croner does not read when every year is. It is 97 % of the weight.
    parsed.year = [];
    return parsed;
  } catch (cause) {
    throw new ScheduleError("This cron expression cannot be read.", { cause });
  }
}
