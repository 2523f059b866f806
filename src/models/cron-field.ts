// One field of a cron expression: its grammar, the complaint when it breaks the grammar, and its plain form.
import { ScheduleError } from "./schedule-error.js";

export interface CronField {
  name: string;
  low: number;
  high: number;
  /** Names in place of numbers, in order from `low`. */
  names: readonly string[];
}

const month: CronField = {
  name: "month",
  low: 1,
  high: 12,
  names: "jan feb mar apr may jun jul aug sep oct nov dec".split(" "),
};
const dayOfWeek: CronField = { name: "day of week", low: 0, high: 7, names: "sun mon tue wed thu fri sat".split(" ") };
const dayOfMonth: CronField = { name: "day of month", low: 1, high: 31, names: [] };

/** All six fields in order; an expression of five leaves out the first. */
export const CRON_FIELDS: readonly CronField[] = [
  { name: "second", low: 0, high: 59, names: [] },
  { name: "minute", low: 0, high: 59, names: [] },
  { name: "hour", low: 0, high: 23, names: [] },
  dayOfMonth,
  month,
  dayOfWeek,
];

/** A field as written, with its place in the expression (both counted from 1) for the complaint. */
export interface WrittenField {
  field: CronField;
  text: string;
  fieldNumber: number;
  column: number;
}

/**
 * The field in its plain form, which says the same to every reader: numbers for names, `*` for `?`, Sunday as 0 (or as
 * 7 at the end of a range). Throws ScheduleError with a sentence that names the field and the place.
 */
export function readField(written: WrittenField): string {
  const { text, field } = written;
  if (text === "?") return "*";
  if (field === dayOfMonth && /^LW$/i.test(text)) return "LW";
  let column = written.column;
  const plain = text.split(",").map((text) => {
    const element = { ...written, text, column };
    column += text.length + 1;
    return readElement(element, written.text.includes(","));
  });
  return plain.join(",");
}

function readElement(element: WrittenField, inList: boolean): string {
  const { text } = element;
  if (text === "") complain(element, "a value is missing beside a comma");
  if (inList && /^([*?]|\*\/1|LW)$/i.test(text)) complain(element, `"${text}" has to stand alone, not in a list`);
  if (text === "*" || text === "*/1" || text === "?/1") return "*";
  const special = readLastNearestOrNth(element);
  if (special !== null) return special;
  const [range = "", step, ...rest] = text.split("/");
  if (rest.length > 0) complain(element, `"${text}" has more than one "/"`);
  if (step === undefined) return readRange(element, range);
  return `${/^[*?]$/.test(range) ? "*" : readRange(element, range)}/${readStep(element, step)}`;
}

/** `L` and `15W` in the day of month, `5L` and `5#2` in the day of week; null for everything else. */
function readLastNearestOrNth(element: WrittenField): string | null {
  const { field, text } = element;
  if (field === dayOfMonth) {
    if (/^L$/i.test(text)) return "L";
    const nearest = /^(\d+)W$/i.exec(text);
    return nearest ? `${readValue(element, nearest[1])}W` : null;
  }
  if (field !== dayOfWeek) return null;
  const [, day, ending = "", nth] = /^([a-z]{3}|\d+)(?:(L)|#(.*))$/i.exec(text) ?? [];
  if (day === undefined) return null;
  const weekday = readValue(element, day) % 7;
  if (ending !== "") return `${weekday}L`;
  if (!/^[1-5]$/.test(nth ?? "")) complain(element, `after "#" comes a number from 1 to 5`);
  return `${weekday}#${nth ?? ""}`;
}

function readRange(element: WrittenField, text: string): string {
  const [first, last, ...rest] = text.split("-");
  if (rest.length > 0) complain(element, `"${element.text}" is not a value, a range (1-5) or a step (*/5)`);
  let from = readValue(element, first);
  if (last === undefined) return String(element.field === dayOfWeek ? from % 7 : from);
  let to = readValue(element, last);
  if (element.field === dayOfWeek) {
    if (to === 0 && from > 0) to = 7;
    else if (from === 7 && to < 7) from = 0;
  }
  if (from > to) {
    const { low, high } = element.field;
    const around = [from === high ? `${from}` : `${from}-${high}`, to === low ? `${to}` : `${low}-${to}`];
    complain(element, `the range ${text} runs backwards; if you mean around the end, write ${around.join(",")}`);
  }
  return `${from}-${to}`;
}

function readValue(element: WrittenField, text = ""): number {
  const { low, high, names } = element.field;
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return low + named;
  const orName = names.length > 0 ? ` or a name such as "${names[1] ?? ""}"` : "";
  if (!/^\d+$/.test(text)) complain(element, `"${element.text}" is not a number from ${low} to ${high}${orName}`);
  const value = Number(text);
  if (value < low || value > high) complain(element, `${text} is not between ${low} and ${high}`);
  return value;
}

function readStep(element: WrittenField, text: string): number {
  const { field } = element;
  const longest = field === dayOfWeek ? 7 : field.high - field.low + 1;
  const step = /^\d+$/.test(text) ? Number(text) : 0;
  if (step < 1 || step > longest) complain(element, `the step "/${text}" is not a number from 1 to ${longest}`);
  return step;
}

function complain({ field, fieldNumber, column }: WrittenField, what: string): never {
  throw new ScheduleError(`The ${field.name} (field ${fieldNumber}, character ${column}) is wrong: ${what}.`);
}
