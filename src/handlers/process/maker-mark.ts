// Maker marks: names of unfinished files and folders that tell which service process is at work on them.
import { randomBytes } from "node:crypto";
import { identify, readBootId, isAlive } from "./process-identity.js";

/**
 * The mark of this process, `<pid>-<start ticks>-<boot>-<nonce>`, fit for file names. Each caller gets another nonce, so
 * that services which follow each other in one process never meet in a name.
 */
export function newMakerMark(): string {
  const { pid, startTicks } = identify(process.pid) ?? { pid: process.pid, startTicks: 0 };
  return `${pid}-${startTicks}-${shortBoot(readBootId())}-${randomBytes(4).toString("hex")}`;
}

/**
 * Whether the process that made what is called `name` (its mark with anything before and after it) is gone, so that
 * nobody will finish it. A name without a mark was made by nobody who lives.
 */
export function isMakerGone(name: string): boolean {
  const [, pid, startTicks, boot] = /(?:^|-)(\d+)-(\d+)-([0-9a-f]{8})-[0-9a-f]{8}(?:-|$)/.exec(name) ?? [];
  if (pid === undefined || boot !== shortBoot(readBootId())) return true;
  return !isAlive({ pid: Number(pid), startTicks: Number(startTicks), bootId: readBootId() });
}

function shortBoot(bootId: string): string {
  return bootId.replaceAll("-", "").slice(0, 8);
}
