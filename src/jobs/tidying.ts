// Tidying: whatever a script has left running when it ended is told to end too, and is counted.
import { setTimeout as delay } from "node:timers/promises";
import { leftovers } from "../handlers/process/leftovers.js";
import { describe } from "../handlers/process/process-list.js";
import { findProcesses, signalRun, type RunProcesses } from "../handlers/process/process-tree.js";
import type { Leftovers } from "./ending.js";

const LOOK_EVERY_MS = 50;

interface Manner {
  /** Look everywhere: there is a sign that something is left. */
  thorough: boolean;
  /** They have been told to end already, together with the script. */
  warned: boolean;
  /** So long after TERM comes KILL. */
  killAfterMs: number;
}

/** TERM, the grace time, KILL to all that is left of a run whose script has ended; most runs leave nothing. */
export async function endLeftovers(run: RunProcesses, { thorough, warned, killAfterMs }: Manner): Promise<Leftovers> {
  let left = await leftovers(run, { thorough });
  if (left.length === 0) return { count: 0, survivors: "" };
  const seen = new Set<string>();
  const note = () => left.forEach(({ pid, startTicks }) => seen.add(`${pid} ${startTicks}`));
  note();
  if (!warned) await signalRun(run, "SIGTERM");
  const deadline = performance.now() + killAfterMs;
  while (left.length > 0 && performance.now() < deadline) {
    await delay(LOOK_EVERY_MS);
    left = await leftovers(run, { thorough: true });
    note();
  }
  if (left.length > 0) {
    await signalRun(run, "SIGKILL");
    left = await findProcesses(run);
  }
  return { count: seen.size, survivors: describe(left) };
}
