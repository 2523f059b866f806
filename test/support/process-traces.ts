// What a process holds open, read from the kernel: proves that a reader left nothing behind. Linux only.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The files under a folder that this process has open. */
export function openFilesIn(folder: string): string[] {
  return descriptors()
    .map((fd) => attempt(() => readlinkSync(`/proc/self/fd/${fd}`)))
    .filter((target) => target.startsWith(folder));
}

/** How many files and folders this process watches. */
export function watchCount(): number {
  const infos = descriptors().map((fd) => attempt(() => readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")));
  return infos.flatMap((info) => info.match(/^inotify wd:/gm) ?? []).length;
}

function descriptors(): string[] {
  return readdirSync("/proc/self/fd");
}

/** The listing itself uses a descriptor that is gone when it is looked at. */
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
