// How what was looked up in logs is shown.
import type { LogLine } from "../handlers/log-store/line-log.js";
import type { LogMatch } from "../handlers/log-store/log-match.js";
import {
  encodePlace,
  type BatchLogSearchView,
  type FirstErrorView,
  type LogLinesView,
  type LogSearchView,
} from "../models/log-reading.js";
import { encodeCursor } from "../models/shapes.js";
import type { BatchLogSearch } from "../services/batch-log-searching.js";
import type { FirstError, LogLines, LogSearch, LookedAt } from "../services/log-reading.js";

function showLog({ ref: { executionId, attempt, stream }, bytes }: LookedAt) {
  return { executionId, attempt, stream, bytes };
}

function showLine({ line, offset, bytes, text, cut }: LogLine): LogLinesView["items"][number] {
  return { line, offset, bytes, text, cut };
}

function showMatch({ line, offset, bytes, text, textOffset, cut, columns }: LogMatch, number: number) {
  return { number, line, offset, bytes, text, textOffset, cut, columns };
}

export function showSearch({ matchingLines, matches, before, items, next, ...log }: LogSearch): LogSearchView {
  const shown = items.map((match, i) => ({
    ...showMatch(match, before + i + 1),
    before: match.before.map(showLine),
    after: match.after.map(showLine),
  }));
  return { ...showLog(log), matchingLines, matches, items: shown, next: next && encodePlace(next) };
}

export function showLines({ lines, items, ...log }: LogLines): LogLinesView {
  const last = items.at(-1);
  const next = last && last.end + 1 < log.bytes ? last.line + 1 : null;
  return { ...showLog(log), lines, items: items.map(showLine), unfinished: last?.end === log.bytes, next };
}

export function showFirstError({ ref: { executionId, attempt }, found }: FirstError): FirstErrorView {
  if (!found) {
    const text = "Neither the error log nor the log has a line that looks like an error.";
    return { executionId, attempt, found, text };
  }
  const { stream, pattern } = found;
  const text = `Line ${found.line} of the ${stream === "log" ? "log" : "error log"} is the first that looks like an error.`;
  return { executionId, attempt, found: { stream, pattern, ...showLine(found) }, text };
}

export function showBatchSearch({ searched, items, last }: BatchLogSearch): BatchLogSearchView {
  const shown = items.map(({ execution: { number, status }, matchingLines, matches, problem, ...found }) => {
    const lines = found.items.map((match, i) => showMatch(match, i + 1));
    return { ...showLog(found), number, status, matchingLines, matches, lines, problem };
  });
  return { searched, items: shown, next: last === null ? null : encodeCursor(last) };
}
