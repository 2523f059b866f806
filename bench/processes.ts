// Memory of processes as the kernel counts it, and which processes belong to a service. Linux only.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Process {
  pid: number;
  /** The words of its command line. */
  command: string[];
}

/** Resident memory in MB. */
export const residentMb = (pid: number): number => figure(`/proc/${pid}/status`, "VmRSS");

/** The most resident memory that it ever had, in MB. */
export const peakMb = (pid: number): number => figure(`/proc/${pid}/status`, "VmHWM");

/** Memory in MB in which a page that n processes share counts one nth; 0 for a process that has ended. */
export const proportionalMb = (pid: number): number => attempt(() => figure(`/proc/${pid}/smaps_rollup`, "Pss"), 0);

/** All processes whose working folder lies in `folder`, whoever their parents are. */
export function processesIn(folder: string): Process[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => attempt(() => readlinkSync(`/proc/${pid}/cwd`), "").startsWith(folder))
    .map((pid) => ({
      pid: Number(pid),
      command: attempt(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"), "").split("\0"),
    }));
}

function figure(file: string, name: string): number {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(file, "utf8"))?.[1];
  return Number(kib) / 1024;
}

/** A process may end between being listed and being looked at. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
