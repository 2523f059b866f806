// Instants and spans of time in words, for sentences that people read.
import { toInstant } from "./shapes.js";
import { segmentAt } from "./time-zone.js";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** An instant by the clocks of a zone and in UTC: `2026-12-01 13:00:00 Europe/Berlin (2026-12-01T12:00:00.000Z)`. */
export function instantInWords(at: number, timeZone: string): string {
  const utc = toInstant(at);
  if (timeZone === "UTC") return utc;
  const local = toInstant(at + segmentAt(timeZone, at).offset);
  return `${local.slice(0, 19).replace("T", " ")} ${timeZone} (${utc})`;
}

/** A span of time in its two largest units, such as `2 h 5 min`, `1 min 30 s` or `40 ms`. */
export function spanInWords(ms: number): string {
  let rest = Math.abs(ms);
  if (rest < 1000) return `${rest} ms`;
  const words: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) words.push(`${count} ${unit}`);
  }
  return words.slice(0, 2).join(" ");
}
