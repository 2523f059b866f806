// One cgroup (v2) for each worker: whatever its scripts start is in there too, and no session, parent or environment of
// its own takes a process out again. No controller is enabled: this costs a run nothing, and limits nothing.
import { readFileSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { isAlive, readBootId } from "./process-identity.js";
import type { ProcessIdentity } from "./process-identity.js";

/**
 * Puts a worker, which has no child yet, into a cgroup of its own. Returns false where the machine or our rights do not
 * allow that; nothing is left behind then. Asynchronous, since the kernel takes 10 ms or more for the first one.
 */
export async function confine(worker: ProcessIdentity): Promise<boolean> {
  const all = cgroupsFolder();
  if (all === null) return false;
  const folder = join(all, nameOf(worker));
  try {
    await mkdir(all).catch(() => undefined); // it is there already; if not, the next line says so
    await mkdir(folder);
    // "r+" never creates the file: it is there if this is a cgroup indeed.
    await writeFile(join(folder, "cgroup.procs"), String(worker.pid), { flag: "r+" });
    return true;
  } catch {
    remove(folder);
    return false;
  }
}

/** Removes the cgroup of a worker that has gone, unless something that its scripts left behind is still in there. */
export function releaseCgroup(worker: ProcessIdentity): void {
  const all = cgroupsFolder();
  if (all !== null) remove(join(all, nameOf(worker)));
}

/** Removes the empty cgroups of all workers that are gone, whichever service they had. */
export function sweepCgroups(): void {
  const all = cgroupsFolder();
  if (all === null) return;
  for (const name of foldersIn(all)) {
    const [, pid, startTicks] = NAME.exec(name) ?? [];
    if (pid === undefined || startTicks === undefined) continue;
    // One whose worker lives may be empty for a moment: it was made, and the worker is about to enter it.
    if (isAlive({ pid: Number(pid), startTicks: Number(startTicks), bootId: readBootId() })) continue;
    remove(join(all, name));
  }
}

/**
 * The pids of everything in a worker's cgroup, and in those that were made inside it; null if it has none. Reads at
 * once, and most often one file only.
 *
 * @param witness a process that may still be in there, if the cgroup was made by a service in another place
 */
export function pidsWith(worker: ProcessIdentity, witness: ProcessIdentity | null): number[] | null {
  const all = cgroupsFolder();
  if (all === null || worker.bootId !== readBootId()) return null;
  const name = nameOf(worker);
  const here = readPids(join(all, name));
  if (here) return here;
  for (const pid of [worker.pid, witness?.pid]) {
    // It counts only if it has this very worker's name in it: then it does not matter who has the pid today.
    const folder = pid === undefined ? null : cgroupFolder(String(pid));
    const end = folder === null ? -1 : `${folder}/`.indexOf(`/${name}/`);
    const pids = folder === null || end < 0 ? null : readPids(folder.slice(0, end + 1 + name.length));
    if (pids) return pids;
  }
  return null;
}

/**
 * Where the cgroup (v2) of a process can be seen; null if nowhere.
 *
 * @param mounts the text of /proc/self/mountinfo
 * @param membership the text of /proc/PID/cgroup
 */
export function locateCgroup(mounts: string, membership: string): string | null {
  const own = /^0::(\/.*)$/m.exec(membership)?.[1]?.replace(/^\/$/, "");
  // "/.." stands for what lies outside of our cgroup namespace, and cannot be reached by name.
  if (own === undefined || /\/\.\.(\/|$)/.test(own)) return null;
  for (const [, root = "", folder = ""] of mounts.matchAll(CGROUP_MOUNT)) {
    const top = unescape(root).replace(/^\/$/, "");
    if (own === top || own.startsWith(`${top}/`)) return join(unescape(folder), own.slice(top.length));
  }
  return null;
}

const NAME = /^w-(\d+)-(\d+)$/;
/** Of a line of mountinfo: which part of the file system is mounted, and where. */
const CGROUP_MOUNT = /^\d+ \d+ \S+ (\S+) (\S+) .* - cgroup2 /gm;

function nameOf({ pid, startTicks }: ProcessIdentity): string {
  return `w-${pid}-${startTicks}`;
}

/** Blanks, tabs, newlines and backslashes are octal in mountinfo. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

let foundFolder: string | null | undefined;

/** The folder of our workers' cgroups, inside our own; null without cgroup v2. Looked up once: it never moves. */
function cgroupsFolder(): string | null {
  if (foundFolder === undefined) {
    const own = cgroupFolder("self");
    foundFolder = own === null ? null : join(own, "batchline");
  }
  return foundFolder;
}

function cgroupFolder(pid: string): string | null {
  try {
    return locateCgroup(readFileSync("/proc/self/mountinfo", "utf8"), readFileSync(`/proc/${pid}/cgroup`, "utf8"));
  } catch {
    return null; // no such process
  }
}

function readPids(folder: string): number[] | null {
  try {
    // 0 stands for a process that our PID namespace does not show.
    const own = readFileSync(join(folder, "cgroup.procs"), "latin1").split("\n").map(Number).filter(Boolean);
    // A folder is linked from its parent and from itself, and then from each folder inside it.
    const inside = statSync(folder).nlink === 2 ? [] : foldersIn(folder);
    return own.concat(...inside.map((name) => readPids(join(folder, name)) ?? []));
  } catch {
    return null; // it is not there, or not ours to read
  }
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Removes a cgroup with those inside it, if nobody is in any of them. */
function remove(folder: string): void {
  if (readPids(folder)?.length !== 0) return;
  for (const name of foldersIn(folder)) remove(join(folder, name));
  try {
    rmdirSync(folder);
  } catch {
    // somebody has just come in, or another service has removed it
  }
}
