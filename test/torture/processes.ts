// Looks at the machine's processes, and ends those that the torture itself brought about.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { hasEnded, parseStat, type ProcessStat } from "../../src/handlers/process/process-identity.js";

/** The processes one of whose words is exactly this path; without their forks, which look the same. */
export function processesRunning(script: string): number[] {
  const pids = new Set(allPids().filter((pid) => wordsOf(pid).includes(script)));
  return [...pids].filter((pid) => !pids.has(statOf(pid)?.parent ?? 0));
}

export function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/** The files that a process has open. */
export function openFilesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return [];
  }
}

/** True once a process that was sent SIGSTOP stands still. */
export async function standsStill(pid: number): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    const stat = statOf(pid);
    if (!stat || hasEnded(stat)) return false;
    if (stat.state === "T") return true;
    await pause(1);
  }
  return false;
}

/** Sends a signal; false if the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Kills everything that lives in a folder of ours: it works there, or was started from there. */
export async function endAllIn(folder: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const ours = allPids().filter((pid) => pid !== process.pid && livesIn(pid, folder));
    if (ours.length === 0) return;
    for (const pid of ours) signal(pid, "SIGKILL");
    await pause(20);
  }
}

function livesIn(pid: number, folder: string): boolean {
  const stat = statOf(pid);
  if (!stat || hasEnded(stat)) return false;
  const inside = (place: string) => place.startsWith(`${folder}/`) || place === folder;
  return inside(attempt(() => readlinkSync(`/proc/${pid}/cwd`))) || wordsOf(pid).some(inside);
}

function statOf(pid: number): ProcessStat | null {
  return parseStat(read(`/proc/${pid}/stat`));
}

function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function wordsOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split("\0");
}

/** Empty for a process that is gone, or of somebody else. */
function read(file: string): string {
  return attempt(() => readFileSync(file, "latin1"));
}

function attempt(act: () => string): string {
  try {
    return act();
  } catch {
    return "";
  }
}
