// JSON text from outside: read by rules that leave it one meaning only, every breach told by its place.
import { AppError, type Fault } from "../errors.js";
import { pointerStep } from "./faults.js";

/** What breaks a rule; `code` is one of docs/errors.md. */
export interface JsonFault extends Fault {
  code: "invalid_json" | "duplicate_key" | "unsafe_key" | "unsafe_number" | "too_deep" | "too_many_keys";
}

export type JsonReading = { ok: true; document: unknown } | { ok: false; faults: JsonFault[] };

/** Deeper than anybody writes by hand; far from where checking it, or writing it again, would overflow the stack. */
const MAX_DEPTH = 20;
const MAX_FAULTS = 100;
/** So many take some 20 ms to read and to check, in which nobody else gets a turn. */
const MAX_KEYS = 25_000;
const NUMBER = /-?\d[\d.eE+-]*/y;

/** The text that these bytes are in UTF-8; null if they are none. */
export function utf8Text(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Reads a JSON document. JavaScript's parser alone would take, and change or drop without a word: keys that stand twice,
 * numbers that it cannot keep, the key `__proto__`, halves of characters.
 *
 * @param maxKeys how many keys all objects may have together; fewer where a schema looks at every one
 */
export function readJson(text: string, { maxKeys = MAX_KEYS } = {}): JsonReading {
  const json = text.replace(/^\ufeff/, "");
  try {
    const { faults, over } = new Scan(json, maxKeys);
    // Parsing what is nested very deep takes ten times as long as finding out that it is.
    const document: unknown = over ? null : JSON.parse(json);
    return faults.length > 0 ? { ok: false, faults } : { ok: true, document };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, faults: [{ code: "invalid_json", pointer: "", message: `is not JSON: ${error.message}` }] };
  }
}

/** The refusal of a document; the first fault gives the code. @param what the document's name in a sentence */
export function jsonRefusal(what: string, faults: JsonFault[]): AppError {
  const [{ code: reason, pointer, message } = { code: "invalid_json", pointer: "", message: "is not JSON" }] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  const errors = faults.map(({ pointer, message }) => ({ pointer, message }));
  return new AppError("invalid", `The ${what} cannot be used: ${pointer || "it"} ${message}${more}.`, {
    reason,
    errors,
  });
}

/** An object or array that is open at a place of the text. */
interface Open {
  /** Those so far; null: it is an array. */
  keys: Set<string> | null;
  /** The key or the index at which its present value stands. */
  place: string | number;
}

/** Goes once through a text, without recursion. What it finds is true of JSON; it does not notice what is none. */
class Scan {
  readonly faults: JsonFault[] = [];
  /** It was given up before the end of the text. */
  over = false;
  private readonly open: Open[] = [];
  private readonly wasNoUtf8: boolean;
  private keyFollows = false;
  private keyCount = 0;

  constructor(
    private readonly json: string,
    private readonly maxKeys: number,
  ) {
    this.wasNoUtf8 = json.includes("\ufffd");
    for (let at = 0; at < json.length && !this.over; at++) at = this.step(at);
  }

  /** Takes what stands at a place, and gives the place of its last character. */
  private step(at: number): number {
    const letter = this.json[at] ?? "";
    switch (letter) {
      case "{":
        return this.enter(at, new Set());
      case "[":
        return this.enter(at, null);
      case "}":
      case "]":
        this.open.pop();
        return at;
      case ",":
        return this.next(at);
      case '"':
        return this.string(at);
      default:
        return letter === "-" || (letter >= "0" && letter <= "9") ? this.number(at) : at;
    }
  }

  private enter(at: number, keys: Set<string> | null): number {
    if (this.open.length === MAX_DEPTH) {
      this.complain("too_deep", `is nested deeper than ${MAX_DEPTH} levels; flatten it`);
      this.over = true;
    }
    this.open.push({ keys, place: 0 });
    this.keyFollows = keys !== null;
    return at;
  }

  private next(at: number): number {
    const inside = this.open.at(-1);
    this.keyFollows = inside?.keys != null;
    if (typeof inside?.place === "number") inside.place++;
    return at;
  }

  private string(at: number): number {
    const end = endOfString(this.json, at);
    const plain = this.json.slice(at + 1, end);
    const escaped = plain.includes("\\");
    const text = escaped ? (JSON.parse(`"${plain}"`) as string) : plain;
    if (this.keyFollows) this.key(text);
    if (this.wasNoUtf8 && plain.includes("\ufffd")) {
      this.complain("invalid_json", "has bytes that are no UTF-8; save it as UTF-8");
    } else if (escaped && /\p{Cs}/u.test(text)) {
      this.complain("invalid_json", "holds half of a character: a \\u without its pair");
    }
    return end;
  }

  private key(text: string): void {
    const keys = this.open.pop()?.keys ?? null;
    this.open.push({ keys, place: text });
    this.keyFollows = false;
    if (keys?.has(text)) this.complain("duplicate_key", "stands twice in the same object; keep one");
    if (text === "__proto__") this.complain("unsafe_key", "cannot be taken as a key; choose another");
    keys?.add(text);
    if (++this.keyCount <= this.maxKeys) return;
    this.complain("too_many_keys", `is one key too many: at most ${this.maxKeys} are taken in all`);
    this.over = true;
  }

  private number(at: number): number {
    NUMBER.lastIndex = at;
    const [written] = NUMBER.exec(this.json) ?? [""];
    const complaint = written && explainNumber(written);
    if (complaint) this.complain("unsafe_number", complaint);
    return at + Math.max(0, written.length - 1);
  }

  private complain(code: JsonFault["code"], message: string): void {
    this.faults.push({ code, pointer: this.open.map(({ place }) => pointerStep(place)).join(""), message });
    this.over ||= this.faults.length >= MAX_FAULTS;
  }
}

/** The place of the quotation mark that ends a string which begins at `start`. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return json.length;
}

/** Why a number would not stay what was written; null if it does, or loses no more than fractions always do. */
function explainNumber(written: string): string | null {
  const value = Number(written);
  if (!Number.isFinite(value)) return "is too large a number";
  if (value === 0 && /^[^eE]*[1-9]/.test(written)) return "is too small a number; write 0";
  if (Object.is(value, -0)) return "is minus zero; write 0";
  const isWhole = /^-?\d+$/.test(written);
  if (isWhole && !Number.isSafeInteger(value)) return "is too large to be kept to the last digit; write it as text";
  return null;
}
