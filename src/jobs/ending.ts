// How a script's end becomes the end of its execution: status, reason, exit code or signal.
import type { Execution } from "../entities/execution.js";
import type { Progress } from "../models/execution.js";
import type { FinalStatus } from "../models/status.js";
import type { Reason } from "./demand.js";

/** What was captured of an attempt by the time it ended. */
export interface Captured {
  logBytes: number | null;
  logTruncated: boolean;
  errorLogBytes: number | null;
  errorLogTruncated: boolean;
  progress: Progress | null;
  results: Record<string, string> | null;
}

/** Processes that a script left behind. */
export interface Leftovers {
  /** How many there were; all have been ended but the survivors. */
  count: number;
  /** Those that nothing could end, as people read them; empty if there is none. */
  survivors: string;
}

export type Ending =
  /** The script ended with this code, at this instant. */
  | { kind: "exited"; code: number; at: number; captured: Captured; leftovers: Leftovers | null }
  /** How it ended cannot be known. */
  | { kind: "lost"; reason: Reason; at: number; captured: Captured }
  /** It could not be started. */
  | { kind: "refused"; reason: Reason; at: number };

/** The columns that an end sets; those left out stay as they are. */
export type Conclusion = Partial<Captured> &
  Partial<Pick<Execution, "reasonCode" | "reasonText" | "exitCode" | "signal" | "leftovers">> & {
    status: FinalStatus;
    finishedAt: number;
  };

const SIGNALS: Record<number, string> = {
  1: "SIGHUP",
  2: "SIGINT",
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
};

function failure(code: number): Reason {
  const signal = SIGNALS[code - 128];
  const hint = signal ? ` (128 + ${code - 128}: most likely ended by ${signal})` : "";
  return { code: "exit_code", text: `The script ended with exit code ${code}${hint}.` };
}

/**
 * The columns that the end of `execution` sets.
 *
 * @param warnings the exit codes that mean: it finished, with a warning
 */
export function conclude(execution: Execution, ending: Ending, warnings: readonly number[]): Conclusion {
  if (ending.kind === "refused") {
    // Told to end before it began: that, and not the missing start, is why it has no result.
    if (execution.stopAs) return { status: execution.stopAs, finishedAt: ending.at, errorLogBytes: 0 };
    return { ...closed("failed", ending.at, ending.reason), errorLogBytes: 0 };
  }
  const { captured, at } = ending;
  if (ending.kind === "lost") return { ...captured, ...closed("lost", at, ending.reason), ...emptyErrorLog(captured) };
  const end = exited(execution, ending, warnings);
  const survivors = ending.leftovers?.survivors;
  const note = survivors ? `These processes of it could not be ended: ${survivors}.` : null;
  const words = [end.reasonText ?? execution.reasonText, note].filter((text) => text !== null).join(" ");
  return {
    ...captured,
    ...end,
    leftovers: ending.leftovers?.count ?? null,
    ...(note === null ? {} : { reasonCode: end.reasonCode ?? execution.reasonCode ?? "survivors", reasonText: words }),
  };
}

function exited(
  { stopAs }: Execution,
  { code, at, captured }: Extract<Ending, { kind: "exited" }>,
  warnings: readonly number[],
): Conclusion {
  if (stopAs) {
    // Told to end: a code of 128 + n is then the signal that was sent, not a choice of the script's.
    const signal = code === 143 || code === 137 ? (SIGNALS[code - 128] ?? null) : null;
    return { status: stopAs, finishedAt: at, exitCode: signal ? null : code, signal, ...emptyErrorLog(captured) };
  }
  if (code === 0) return { status: "completed", finishedAt: at, exitCode: 0 };
  if (warnings.includes(code)) {
    const reason = {
      code: "warning_exit_code",
      text: `The script ended with exit code ${code}, which means a warning.`,
    };
    return { ...closed("warned", at, reason), exitCode: code, ...emptyErrorLog(captured) };
  }
  return { ...closed("failed", at, failure(code)), exitCode: code, ...emptyErrorLog(captured) };
}

function closed(status: FinalStatus, at: number, { code, text }: Reason): Conclusion {
  return { status, finishedAt: at, reasonCode: code, reasonText: text };
}

/** An execution that did not complete has an error log in any case, be it empty. */
function emptyErrorLog({ errorLogBytes }: Captured): Pick<Execution, "errorLogBytes"> {
  return { errorLogBytes: errorLogBytes ?? 0 };
}
