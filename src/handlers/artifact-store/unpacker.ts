// Runs the unpacking thread: one short-lived thread for each upload, so that the service stays free meanwhile.
import { Worker } from "node:worker_threads";
import { Turns } from "./turns.js";
import type { UnpackOrder, UnpackResult } from "./unpack-worker.js";

/** Threads at once. adm-zip holds the whole archive and one unpacked entry in memory, so more would cost too much. */
const THREADS = 2;

/** Room for the lists of entries; file contents lie outside of this heap and are bounded by the archive rules. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 };

/** Unpacks archives in threads of their own, a bounded number at once. */
export class Unpacker {
  private readonly turns = new Turns(THREADS);

  /** Waits for a free place, unpacks, and answers when the thread has ended. */
  unpack(order: UnpackOrder): Promise<UnpackResult> {
    return this.turns.take(() => runThread(order));
  }
}

function runThread(order: UnpackOrder): Promise<UnpackResult> {
  const thread = new Worker(new URL("./unpack-worker.js", import.meta.url), {
    name: "unpack",
    workerData: order,
    resourceLimits: RESOURCE_LIMITS,
  });
  return new Promise((resolve, reject) => {
    let result: UnpackResult | undefined;
    let failure = new Error("The thread that unpacks uploads ended without a result.");
    thread.once("message", (message: UnpackResult) => (result = message));
    thread.once("error", (error: Error) => (failure = error));
    thread.once("exit", () => (result ? resolve(result) : reject(failure)));
  });
}
