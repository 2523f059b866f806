// Looks at the processes of this machine through /proc: who there is, what each carries, and what it is called.
import { readFileSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";

import { hasEnded, isAlive, parseStat } from "./process-identity.js";
import type { ProcessIdentity, ProcessStat } from "./process-identity.js";

/** A process, and what was seen in its environment. */
export interface ListedProcess<Seen> extends ProcessStat {
  seen: Seen;
}

interface Selection {
  /** Only these; all of the machine if left out. */
  pids?: number[];
  /** Only those that are not older than this. */
  sinceTicks?: number;
}

/**
 * Every process but this one that has not ended.
 *
 * @param look is given the environment as NUL-terminated entries; empty if it belongs to another user
 */
export async function listProcesses<Seen>(
  look: (environ: Buffer) => Seen,
  { pids, sinceTicks = 0 }: Selection = {},
): Promise<ListedProcess<Seen>[]> {
  const names = pids?.map(String) ?? (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    names.map(async (pid) => {
      const stat = parseStat((await readProcFile(pid, "stat")).toString("latin1"));
      if (!stat || stat.pid === process.pid || hasEnded(stat) || stat.startTicks < sinceTicks) return [];
      return [{ ...stat, seen: look(await readProcFile(pid, "environ")) }];
    }),
  );
  return all.flat();
}

/** Those given, their children, grandchildren, and so on. */
export function withDescendants<Each extends ProcessStat>(roots: Each[], listed: Each[]): Set<Each> {
  const found = new Set(roots);
  // A set hands out what is added to it on the way, too.
  for (const { pid } of found) for (const each of listed) if (each.parent === pid) found.add(each);
  return found;
}

/**
 * Whether the one process started before the other. The clock ticks a hundred times a second; of two of the same tick,
 * the pid decides, which is wrong only when the pids began anew between them.
 */
export function precedes(one: Started, other: Started): boolean {
  return one.startTicks < other.startTicks || (one.startTicks === other.startTicks && one.pid < other.pid);
}

type Started = Pick<ProcessStat, "pid" | "startTicks">;

/** The words that a process was started with, each with a NUL behind it; empty if it has ended. */
export function readCommand(pid: number): string {
  return readProcText(pid, "cmdline");
}

/** Whether the process carries a script's output to a log: one of those that worker.sh starts. */
export function isDrain(pid: number): boolean {
  return readCommand(pid) === "tee\0-a\0/dev/fd/4\0";
}

/** Names processes to people, such as `4711 (sleep), 4712 (python3)`; those that have ended by their pids alone. */
export function describe(processes: ProcessIdentity[]): string {
  return processes
    .map((each) => {
      // A process chooses its own name: it must not be able to forge lines or move the cursor.
      const name = isAlive(each) ? readProcText(each.pid, "comm").replace(/\p{C}/gu, "") : "";
      return name === "" ? String(each.pid) : `${each.pid} (${name})`;
    })
    .join(", ");
}

/** Empty if the process has ended meanwhile, or belongs to another user. */
async function readProcFile(pid: string, name: string): Promise<Buffer> {
  return readFile(`/proc/${pid}/${name}`).catch(() => Buffer.alloc(0));
}

function readProcText(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}
