// What is left of runs whose scripts have ended: processes that a script left behind, and drains with their last bytes.
import { basename, dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { identify, isAlive, readBootId } from "./process-identity.js";
import type { ProcessIdentity, ProcessStat } from "./process-identity.js";
import { isDrain, listProcesses, precedes, readCommand } from "./process-list.js";
import { cgroupPids, findMembers, findProcesses, identitiesOf } from "./process-tree.js";
import type { RunProcesses } from "./process-tree.js";
import type { Exit } from "./run-folder.js";

const LOOK_EVERY_MS = 10;
const RESULT = "BATCHLINE_RESULT=";

/**
 * What a script that has ended left behind, oldest first; needless if its worker's answer was `clean`. Where the worker
 * has a cgroup, that tells at once. Otherwise the whole machine is searched, but only if there is reason to.
 *
 * @param options.thorough search although the script's process group is gone: something holds its streams, for instance
 */
export async function leftovers(run: RunProcesses, { thorough }: { thorough: boolean }): Promise<ProcessIdentity[]> {
  const pids = cgroupPids(run);
  if (pids) {
    if (pids.every((pid) => pid === run.worker?.pid)) return [];
    return identitiesOf(await findMembers(run, pids));
  }
  return thorough || groupExists(run.script) ? findProcesses(run) : [];
}

/** Whether anything is in the process group that this script led, the script included. One system call, mostly. */
export function groupExists(script: ProcessIdentity | null): boolean {
  if (!script || script.bootId !== readBootId() || script.pid <= 1) return false;
  try {
    process.kill(-script.pid, 0);
  } catch (error) {
    // EPERM: there is one, but it belongs to another user.
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false;
  }
  // A group keeps its number from being used again; one with another leader came later.
  const leader = identify(script.pid);
  return leader === null || leader.startTicks === script.startTicks;
}

/**
 * All processes that carry the cookie of any run in this folder, by the name of the run. One look at every process of
 * the machine: for the start of a service where workers have no cgroups.
 *
 * @param runsFolder absolute
 */
export async function strays(runsFolder: string): Promise<Map<string, ProcessIdentity[]>> {
  const runIdIn = (environ: Buffer): string | undefined => {
    const entries = environ.toString().split("\0");
    const results = entries.filter((entry) => entry.startsWith(RESULT)).map((entry) => entry.slice(RESULT.length));
    const result = results.find((path) => basename(path) === "result" && dirname(dirname(path)) === runsFolder);
    return result === undefined ? undefined : basename(dirname(result));
  };
  const byRun = new Map<string, ProcessStat[]>();
  for (const each of await listProcesses(runIdIn)) {
    if (each.seen !== undefined) byRun.set(each.seen, [...(byRun.get(each.seen) ?? []), each]);
  }
  return new Map([...byRun].map(([runId, processes]) => [runId, identitiesOf(processes)]));
}

/**
 * Waits until the log of a run whose end is on record is whole: its drains have ended. Something that was left behind
 * may hold them up: after `patienceMs` milliseconds it is fulfilled anyway. Without cgroups only those are found whose
 * worker is still there; it waits for them, too, half a second.
 */
export async function drainsEnded(status: Exit, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  let left = await findDrains(status);
  while (left.length > 0 && performance.now() < deadline) {
    await pause(LOOK_EVERY_MS, undefined, { ref: false });
    left = left.filter(isAlive);
  }
}

/** The drains that the run has at this moment; its worker may have another run in hand, with drains of its own. */
async function findDrains({ script, worker }: Exit): Promise<ProcessIdentity[]> {
  const workerCommand = isAlive(worker) ? readCommand(worker.pid) : null;
  const pids = cgroupPids({ script, worker, cookie: "" });
  if (workerCommand === null && !pids) return [];
  const listed = await listProcesses(() => null, pids ? { pids } : {});
  // One that was forked only just now is still a copy of its worker.
  const carries = ({ pid }: ProcessStat): boolean => isDrain(pid) || readCommand(pid) === workerCommand;
  if (workerCommand === null) return identitiesOf(listed.filter(carries));
  const children = listed.filter(({ parent }) => parent === worker.pid);
  const later = children.filter((each) => !carries(each));
  return identitiesOf(children.filter((each) => carries(each) && later.every((next) => precedes(each, next))));
}
