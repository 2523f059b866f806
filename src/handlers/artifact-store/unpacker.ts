// Unpacks uploads: a large one in a short-lived thread of its own, so that the service stays free meanwhile.
import { statSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { Turns } from "./turns.js";
import { unpack, type UnpackOrder, type UnpackResult } from "./unpack.js";

/** Threads at once. adm-zip holds the whole archive and one unpacked entry in memory, so more would cost too much. */
const THREADS = 2;

/** Room for the lists of entries; file contents lie outside of this heap and are bounded by the archive rules. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 };

/**
 * What is no larger than this is unpacked in a few milliseconds, and starting a thread would take longer. However much
 * more its data should turn out to be than it says, so few bytes cannot hold up the service for long.
 */
const SMALL = { zipBytes: 64 * 1024, unpackedBytes: 1024 * 1024, entries: 20 };

/** Unpacks archives, large ones in threads of their own, a bounded number at once. */
export class Unpacker {
  private readonly turns = new Turns(THREADS);

  /** Waits for a free place if it takes a thread, unpacks, and answers when that has ended. */
  async unpack(order: UnpackOrder): Promise<UnpackResult> {
    if (isSmall(order)) return unpack(order);
    return this.turns.take(() => runThread(order));
  }
}

function isSmall({ zipFile, archive: { entries } }: UnpackOrder): boolean {
  const unpackedBytes = entries.reduce((sum, { size }) => sum + size, 0);
  return (
    entries.length <= SMALL.entries && unpackedBytes <= SMALL.unpackedBytes && statSync(zipFile).size <= SMALL.zipBytes
  );
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
