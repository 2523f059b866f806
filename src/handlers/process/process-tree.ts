// Finds and signals everything that belongs to a run: its group, its descendants, and whoever carries its cookie.
import { readFile, readdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

import { hasEnded, isAlive, parseStat, readBootId } from "./process-identity.js";
import type { ProcessIdentity, ProcessStat } from "./process-identity.js";

/** What a run's processes are known by. */
export interface RunProcesses {
  /** The script's process, which leads the run's process group; null if it is not known (any more). */
  script: ProcessIdentity | null;
  /** An environment entry that only this run's script was given, such as `BATCHLINE_RUN=12-1`. */
  cookie: string;
}

interface ListedProcess extends ProcessStat {
  hasCookie: boolean;
}

const KILL_ROUNDS = 100;
const KILL_ROUND_MS = 10;

/**
 * Everything alive that belongs to the run, oldest first. The cookie finds what left the group and its parents
 * (setsid, daemons), the group and the descendants find what threw its environment away. A process that did all three
 * is not found: only a PID namespace holds that one. Workers, drains and this process itself are never among them.
 */
export async function findProcesses(run: RunProcesses): Promise<ProcessIdentity[]> {
  const bootId = readBootId();
  const script = run.script?.bootId === bootId ? run.script : null;
  // What is older than the script is none of its doing: a pid used again, or the script that this service runs in.
  const listed = await listProcesses(run.cookie, script?.startTicks ?? 0);
  const found = withDescendants(
    listed.filter((each) => each.hasCookie || (script !== null && leadsOrFollows(script, each, listed))),
    listed,
  );
  return found
    .sort((a, b) => a.startTicks - b.startTicks || a.pid - b.pid)
    .map(({ pid, startTicks }) => ({ pid, startTicks, bootId }));
}

/**
 * Signals everything that belongs to the run and returns how many processes that were. SIGTERM is followed by SIGCONT,
 * so that a stopped process hears it. SIGKILL is repeated until nothing is left, for about a second at least.
 */
export async function signalRun(run: RunProcesses, signal: "SIGTERM" | "SIGKILL"): Promise<number> {
  if (signal === "SIGKILL") return killUntilGone(run);
  // Oldest first: a shell that hears it before its child does not go on to its next command.
  const hit = (await findProcesses(run)).filter((each) => send(each, "SIGTERM"));
  for (const each of hit) send(each, "SIGCONT");
  return hit.length;
}

async function killUntilGone(run: RunProcesses): Promise<number> {
  const hit = new Set<string>();
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const left = await findProcesses(run);
    if (left.length === 0) break;
    for (const each of left) if (send(each, "SIGKILL")) hit.add(`${each.pid} ${each.startTicks}`);
    await pause(KILL_ROUND_MS);
  }
  return hit.size;
}

/** Signals one process, if it is still the same one and ours to signal. */
function send(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  try {
    return process.kill(target.pid, signal);
  } catch {
    return false; // it has just ended, or belongs to another user
  }
}

/** Whether a process is the script or in its group. A group may outlive its leader, and its number is then not reused. */
function leadsOrFollows(script: ProcessIdentity, each: ProcessStat, listed: ProcessStat[]): boolean {
  if (each.group !== script.pid && each.pid !== script.pid) return false;
  const holder = listed.find(({ pid }) => pid === script.pid);
  return holder === undefined || holder.startTicks === script.startTicks;
}

function withDescendants(roots: ListedProcess[], listed: ListedProcess[]): ListedProcess[] {
  const found = new Set(roots);
  // A set hands out what is added to it on the way, too: children, grandchildren, and so on.
  for (const { pid } of found) for (const each of listed) if (each.parent === pid) found.add(each);
  return [...found];
}

/** Every process of the machine but this one that has not ended and is not older than `sinceTicks`. */
async function listProcesses(cookie: string, sinceTicks: number): Promise<ListedProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const all = await Promise.all(
    pids.map(async (pid) => {
      const stat = parseStat((await readProcFile(pid, "stat")).toString("latin1"));
      if (!stat || hasEnded(stat) || stat.startTicks < sinceTicks) return [];
      return [{ ...stat, hasCookie: holdsEntry(await readProcFile(pid, "environ"), cookie) }];
    }),
  );
  return all.flat();
}

/** Whether a block of NUL-terminated entries holds exactly this one: `RUN=1-1` is not in `RUN=1-10`. */
function holdsEntry(block: Buffer, entry: string): boolean {
  return Buffer.concat([SEPARATOR, block]).includes(Buffer.from(`\0${entry}\0`));
}

const SEPARATOR = Buffer.from([0]);

/** Empty if the process has ended meanwhile, or belongs to another user. */
async function readProcFile(pid: string, name: string): Promise<Buffer> {
  return readFile(`/proc/${pid}/${name}`).catch(() => Buffer.alloc(0));
}
