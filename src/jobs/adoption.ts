// Watching a run whose worker is not ours: begun by a service that has gone, or left behind by a worker that died.
import { setTimeout as delay } from "node:timers/promises";
import { isAlive } from "../handlers/process/process-identity.js";
import { readStatus, type RunStatus } from "../handlers/process/run-folder.js";

const LOOK_EVERY_MS = 100;
/** A status file may be half written for a moment; after this long its writer is gone. */
const TORN_FOR_MS = 2000;

export type Watched =
  | Extract<RunStatus, { state: "exit" }>
  /** It was never begun. */
  | { state: "absent" }
  /** It began, nothing of it is alive, and no exit code was recorded. */
  | { state: "lost" };

/** True if the worker, who will record the exit code, or at least the script itself is still there. */
function lives(status: RunStatus): boolean {
  if (status.state !== "starting" && status.state !== "running") return false;
  return isAlive(status.worker) || (status.script !== undefined && isAlive(status.script));
}

/** Looks at a run until nothing more can happen to it. Rejects with an AbortError when `signal` says so. */
export async function watchRun(runFolder: string, signal: AbortSignal): Promise<Watched> {
  let tornMs = 0;
  for (;;) {
    const status = readStatus(runFolder);
    if (status.state === "exit" || status.state === "absent") return status;
    if (status.state === "torn") {
      if (tornMs >= TORN_FOR_MS) return { state: "lost" };
      tornMs += LOOK_EVERY_MS;
    } else if (!lives(status)) {
      // It may have recorded its end between our reading and our looking: what it says now is final.
      const last = readStatus(runFolder);
      return last.state === "exit" ? last : { state: "lost" };
    }
    await delay(LOOK_EVERY_MS, undefined, { signal, ref: false });
  }
}
