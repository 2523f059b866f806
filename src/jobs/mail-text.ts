// The words of a mail about an execution: pure functions from what is known of it to subject and text.
import type { Delivery } from "../entities/delivery.js";
import type { Execution } from "../entities/execution.js";
import type { AlertOccasion } from "../models/alert.js";
import { instantInWords, spanInWords } from "../models/instant-words.js";

/** What a script printed last. */
export interface Tail {
  /** The last bytes of the log. */
  bytes: Buffer;
  /** How many there are in the whole log. */
  size: number;
}

/** All that a mail tells of. */
export interface Story {
  delivery: Delivery;
  execution: Execution;
  timeZone: string;
  /** Where the log, or of what never started the execution, is to be had. */
  address: string;
  log: Tail | null;
  errorLog: Tail | null;
  /** Sentences about the attachments. */
  notes: string[];
}

const LAST_LINES = 50;

const WORDS: Record<AlertOccasion, string> = {
  started: "has started",
  completed: "completed",
  warned: "completed with a warning",
  failed: "failed",
  timed_out: "timed out",
  cancelled: "was cancelled",
  lost: "was lost",
  aborted: "was aborted",
  skipped: "was skipped",
  missed: "was missed",
};

/** Subject and text of a mail. */
export function mailAbout(story: Story): { subject: string; text: string } {
  const { delivery, log, errorLog, notes } = story;
  const what = `"${delivery.batchName}" ${WORDS[delivery.occasion]}`;
  const rows = Object.entries(factsOf(story)).map(([name, fact]) => `${`${name}:`.padEnd(11)}${harmless(fact)}`);
  const logs = [...section("log", log), ...section("error log", errorLog)];
  return {
    subject: `[Batchline] ${what} (execution ${delivery.executionId})`,
    text: `${[`${what}.`, "", ...rows, ...(notes.length > 0 ? ["", ...notes] : []), ...logs].join("\n")}\n`,
  };
}

function factsOf({ delivery, execution, timeZone, address }: Story): Record<string, string> {
  const { occasion, createdAt } = delivery;
  const { attempt, exitCode, finishedAt, reasonText, startedAt } = execution;
  const facts = { Batch: delivery.batchName, Execution: String(execution.id), Status: occasion };
  // It may have ended by now; that has a message of its own.
  if (occasion === "started") return { ...facts, Start: instantInWords(createdAt, timeZone), Log: address };
  return {
    ...facts,
    ...(reasonText === null ? {} : { Reason: reasonText }),
    "Exit code": exitCode === null ? "none" : String(exitCode),
    ...(attempt > 1 ? { Attempt: String(attempt) } : {}),
    Start: startedAt === null ? "never" : instantInWords(startedAt, timeZone),
    End: finishedAt === null ? "unknown" : instantInWords(finishedAt, timeZone),
    Duration: startedAt === null || finishedAt === null ? "none" : spanInWords(finishedAt - startedAt),
    [attempt === 0 ? "Address" : "Log"]: address,
  };
}

function section(name: string, tail: Tail | null): string[] {
  if (tail === null) return [];
  if (tail.size === 0) return ["", `The ${name} is empty.`];
  const { lines, whole } = lastLines(tail);
  const heading = whole
    ? `The ${name}:`
    : `The last ${lines.length === 1 ? "line" : `${lines.length} lines`} of the ${name}:`;
  return ["", heading, "", ...lines];
}

/** The last lines among these bytes; the first of them, if it is not whole, only where there is no other. */
function lastLines({ bytes, size }: Tail): { lines: string[]; whole: boolean } {
  const lines = bytes.toString("utf8").replace(/\n$/, "").split("\n");
  const cut = size > bytes.length;
  const known = cut && lines.length > 1 ? lines.slice(1) : lines;
  return {
    lines: known.slice(-LAST_LINES).map((line) => harmless(line.replace(/\r$/, ""))),
    whole: !cut && known.length <= LAST_LINES,
  };
}

/** What a terminal or a mail reader would act upon is shown by its number instead. */
function harmless(line: string): string {
  return line.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === "\t" ? character : `\\u{${character.codePointAt(0)?.toString(16) ?? ""}}`,
  );
}
