// What is shown of a line that matches: all of it, or as much around its first match as one can look at.
import type { LineLog } from "./line-log.js";
import { textOf } from "./line-log.js";
import { occurrences, type Needle } from "./needle.js";
import type { Hit } from "./search-log.js";

/** A match in the text of an excerpt, in UTF-16 units; `to` is exclusive. */
export interface Column {
  from: number;
  to: number;
}

/** A line that matches, or a part of it. */
export interface Excerpt {
  offset: number;
  /** Length of the line without its line end. */
  bytes: number;
  /** Where `text` begins in the log. */
  textOffset: number;
  text: string;
  /** True if `text` is not the whole line. */
  cut: boolean;
  columns: Column[];
}

/** The most bytes of a line that are shown, unless the match itself is longer. */
const EXCERPT_BYTES = 1000;
/** So many of them stand before a match that lies further into the line. */
const LEAD_BYTES = 200;
const MAX_COLUMNS = 50;

/** The excerpt for a line that was found. */
export async function excerptOf(log: LineLog, { offset, match }: Hit, needle: Needle): Promise<Excerpt> {
  const { bytes } = await log.extentOf(offset);
  const matchEnd = match + needle.bytes.length;
  const isNear = matchEnd <= offset + EXCERPT_BYTES;
  const wanted = isNear ? offset : match - LEAD_BYTES;
  const end = Math.min(offset + bytes, Math.max(wanted + EXCERPT_BYTES, matchEnd));
  const raw = await log.bytes(wanted, end);
  // A part of a character at the cut is no character.
  const start = isNear
    ? 0
    : Math.max(
        0,
        raw.findIndex((byte) => (byte & 0xc0) !== 0x80),
      );
  const columns: Column[] = [];
  let text = "";
  let done = start;
  for (const at of occurrences(needle, raw, match - wanted).slice(0, MAX_COLUMNS)) {
    text += textOf(raw.subarray(done, at), { cut: false });
    const from = text.length;
    done = at + needle.bytes.length;
    text += textOf(raw.subarray(at, done), { cut: false });
    columns.push({ from, to: text.length });
  }
  const isCutBehind = end < offset + bytes;
  text += textOf(raw.subarray(done), { cut: isCutBehind });
  return { offset, bytes, textOffset: wanted + start, text, cut: wanted + start > offset || isCutBehind, columns };
}
