// Recognises a process for certain: a pid alone may have been given to another process since.
import { readFileSync } from "node:fs";

/** One process of one boot of this machine; no two processes ever share all three. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in clock ticks since the boot (field 22 of /proc/PID/stat). */
  startTicks: number;
  bootId: string;
}

/** What /proc/PID/stat tells of a process, as far as it is needed here. */
export interface ProcessStat {
  pid: number;
  /** One letter; `Z` and `X` have ended and only wait to be collected. */
  state: string;
  parent: number;
  group: number;
  startTicks: number;
}

/** Parses the text of /proc/PID/stat; null if it is not one. */
export function parseStat(text: string): ProcessStat | null {
  // The program's name stands in brackets and may itself hold blanks, brackets and newlines: count from the last one.
  const afterName = text.lastIndexOf(")");
  const fields = text.slice(afterName + 2).split(" ");
  const [pid, parent, group, startTicks] = [text.split(" ", 1)[0], fields[1], fields[2], fields[19]].map(Number);
  const state = fields[0];
  if (afterName < 0 || !state || !isCount(pid) || !isCount(parent) || !isCount(group) || !isCount(startTicks)) {
    return null;
  }
  return { pid, state, parent, group, startTicks };
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value);
}

let bootId: string | undefined;

/** The id of this boot of the machine. Read once: it cannot change under a process. */
export function readBootId(): string {
  return (bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
}

/** Who has this pid now; null if nobody, or a process that has ended and only waits to be collected. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  return stat && !hasEnded(stat) ? { pid, startTicks: stat.startTicks, bootId: readBootId() } : null;
}

/** Whether exactly this process still runs. Reads two small files of /proc, at once: the answer is fresh. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== null && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** Whether the process has ended and only waits for its parent to collect it. */
export function hasEnded(stat: ProcessStat): boolean {
  return stat.state === "Z" || stat.state === "X";
}

function readStat(pid: number): ProcessStat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return null; // no such process (ENOENT), or it ended while we read (ESRCH)
  }
}
