// Finds and signals everything that belongs to a run: its worker's cgroup, its group, its descendants, and whoever
// carries its cookie.
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { pidsWith } from "./cgroup.js";
import { isAlive, readBootId } from "./process-identity.js";
import type { ProcessIdentity, ProcessStat } from "./process-identity.js";
import { isDrain, listProcesses, precedes, withDescendants } from "./process-list.js";

/** What a run's processes are known by. */
export interface RunProcesses {
  /** The script's process, which leads the run's process group; null if it is not known (any more). */
  script: ProcessIdentity | null;
  /** The worker that started it, in whose cgroup everything of the run is; null if it is not known. */
  worker: ProcessIdentity | null;
  /** An environment entry that only this run's script was given, such as `BATCHLINE_RESULT=/data/runs/12-1/result`. */
  cookie: string;
}

const KILL_ROUNDS = 100;
const KILL_ROUND_MS = 10;

/**
 * Everything alive that belongs to the run, oldest first. Where workers have cgroups, that is all that there is.
 * Elsewhere the cookie finds what left the group and its parents (setsid, daemons), the group and the descendants find
 * what threw its environment away, and a process that did all three is not found. Workers, drains and this process
 * itself are never among them.
 */
export async function findProcesses(run: RunProcesses): Promise<ProcessIdentity[]> {
  const known = ofThisBoot(run);
  const pids = cgroupPids(known);
  const [relatives, members] = await Promise.all([findRelatives(known), pids ? findMembers(known, pids) : []]);
  const found = new Map([...relatives, ...members].map((each) => [each.pid, each]));
  return identitiesOf([...found.values()]);
}

/**
 * Signals everything that belongs to the run and returns how many processes that were. SIGTERM is followed by SIGCONT,
 * so that a stopped process hears it. SIGKILL is repeated until nothing is left, for about a second at least; what
 * survives even that, `findProcesses` still finds.
 */
export async function signalRun(run: RunProcesses, signal: "SIGTERM" | "SIGKILL"): Promise<number> {
  if (signal === "SIGKILL") return killUntilGone(run);
  // Oldest first: a shell that hears it before its child does not go on to its next command.
  const hit = (await findProcesses(run)).filter((each) => send(each, "SIGTERM"));
  for (const each of hit) send(each, "SIGCONT");
  return hit.length;
}

/** The pids in the cgroup of the run's worker; null if it has none, or the run's own among them could not be told. */
export function cgroupPids({ script, worker }: RunProcesses): number[] | null {
  return script && worker && pidsWith(worker, script);
}

/**
 * Which of the processes in the cgroup of a run's worker belong to the run: not the worker and its drains, and nothing
 * of a later run. There is no earlier one to mind, since the pool gives no run to a worker that is not alone.
 *
 * @param pids as `cgroupPids` gives them
 */
export async function findMembers({ script, worker, cookie }: RunProcesses, pids: number[]): Promise<ProcessStat[]> {
  if (!script || !worker) return [];
  const others = (environ: Buffer): boolean => isOfAnotherRun(environ, cookie);
  const listed = await listProcesses(others, { pids, sinceTicks: script.startTicks });
  // Drains must not be signalled: they end by themselves when the script's streams do, and what they hold would be
  // lost. Without their worker they have another parent, and are known by their command.
  const staff = isAlive(worker)
    ? listed.filter(({ pid, parent }) => pid === worker.pid || (parent === worker.pid && pid !== script.pid))
    : listed.filter(({ pid }) => isDrain(pid));
  // If our script has ended, its worker may run the next one by now.
  const later = isAlive(script) ? [] : staff.filter(({ pid }) => pid !== worker.pid && !isDrain(pid));
  return listed.filter((each) => !each.seen && !staff.includes(each) && later.every((next) => precedes(each, next)));
}

/** The processes as identities of this boot, oldest first. */
export function identitiesOf(processes: ProcessStat[]): ProcessIdentity[] {
  const bootId = readBootId();
  return processes
    .sort((a, b) => (precedes(a, b) ? -1 : 1))
    .map(({ pid, startTicks }) => ({ pid, startTicks, bootId }));
}

/** After a reboot nothing is left of a run, and its pids mean others. */
function ofThisBoot({ script, worker, cookie }: RunProcesses): RunProcesses {
  const bootId = readBootId();
  return {
    script: script?.bootId === bootId ? script : null,
    worker: worker?.bootId === bootId ? worker : null,
    cookie,
  };
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

/** What can be found without a cgroup. */
async function findRelatives({ script, cookie }: RunProcesses): Promise<ProcessStat[]> {
  // What is older than the script is none of its doing: a pid used again, or the script that this service runs in.
  const listed = await listProcesses((environ) => holdsEntry(environ, cookie), { sinceTicks: script?.startTicks ?? 0 });
  const roots = listed.filter((each) => each.seen || (script !== null && leadsOrFollows(script, each, listed)));
  return [...withDescendants(roots, listed)];
}

/** Whether a process is the script or in its group. A group may outlive its leader, and its number is then not reused. */
function leadsOrFollows(script: ProcessIdentity, each: ProcessStat, listed: ProcessStat[]): boolean {
  if (each.group !== script.pid && each.pid !== script.pid) return false;
  const holder = listed.find(({ pid }) => pid === script.pid);
  return holder === undefined || holder.startTicks === script.startTicks;
}

/** Whether a block of NUL-terminated entries holds exactly this one: `RUN=1-1` is not in `RUN=1-10`. */
function holdsEntry(block: Buffer, entry: string): boolean {
  return Buffer.concat([SEPARATOR, block]).includes(Buffer.from(`\0${entry}\0`));
}

const SEPARATOR = Buffer.from([0]);

/**
 * Whether the environment has the cookie of another run from the same folder. One from elsewhere does not count: a
 * script may start a whole service of its own, and that is then the script's doing.
 */
function isOfAnotherRun(environ: Buffer, cookie: string): boolean {
  const [name = ""] = cookie.split("=", 1);
  const folderOf = (entry: string): string => dirname(dirname(entry));
  return environ
    .toString()
    .split("\0")
    .some((entry) => entry.startsWith(`${name}=`) && entry !== cookie && folderOf(entry) === folderOf(cookie));
}
