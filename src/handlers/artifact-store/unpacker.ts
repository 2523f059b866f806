// Chooses how an upload is unpacked: a large one in a short-lived thread of its own, so that the service stays free.
import { Worker } from "node:worker_threads";
import type { Finding } from "../../models/finding.js";
import { SCRIPT } from "./script-rules.js";
import { readByStream } from "./streamed-archive.js";
import { Turns } from "../turns.js";
import { unpack, type UnpackOrder } from "./unpack.js";
import { readWhole } from "./whole-archive.js";

/** Threads at once: each keeps a processor busy, and has a few pieces of data in memory. */
const THREADS = 2;

/** Room for the list of entries and one script; the data of files lies outside of this heap, piece by piece. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 };

interface Size {
  zipBytes: number;
  unpackedBytes: number;
  entries: number;
}

/**
 * What is no larger than this is unpacked in a few milliseconds. However much more its data should turn out to be than it
 * says, so few bytes cannot hold up the service for long.
 */
const SMALL: Size = { zipBytes: 64 * 1024, unpackedBytes: 1024 * 1024, entries: 20 };

/** Starting a thread takes longer than unpacking this much, which is done in steps of a few milliseconds. */
const MEDIUM: Size = { zipBytes: 4 * 1024 ** 2, unpackedBytes: 16 * 1024 ** 2, entries: 200 };

/** A script is looked at in one step. */
const MAX_SCRIPT_BYTES = 256 * 1024;

/** Unpacks archives, large ones in threads of their own, a bounded number at once. */
export class Unpacker {
  private readonly turns = new Turns(THREADS);

  /** Waits for a free place if it takes a thread, unpacks, and gives what was found when that has ended. */
  async unpack(order: UnpackOrder): Promise<Finding[]> {
    // adm-zip looks at every name at once, and takes long over one that is 2000 levels deep.
    if (!order.isPart && fits(order, SMALL)) return unpack(order, readWhole);
    if (fits(order, MEDIUM)) return unpack(order, readByStream);
    return this.turns.take(() => runThread(order));
  }
}

function fits({ archive: { entries, archiveBytes } }: UnpackOrder, most: Size): boolean {
  const unpackedBytes = entries.reduce((sum, { size }) => sum + size, 0);
  const scriptBytes = entries.find(({ name }) => name === SCRIPT)?.size ?? 0;
  return (
    archiveBytes <= most.zipBytes &&
    unpackedBytes <= most.unpackedBytes &&
    entries.length <= most.entries &&
    scriptBytes <= MAX_SCRIPT_BYTES
  );
}

function runThread(order: UnpackOrder): Promise<Finding[]> {
  const thread = new Worker(new URL("./unpack-worker.js", import.meta.url), {
    name: "unpack",
    workerData: order,
    resourceLimits: RESOURCE_LIMITS,
  });
  return new Promise((resolve, reject) => {
    let findings: Finding[] | undefined;
    let failure = new Error("The thread that unpacks uploads ended without a result.");
    thread.once("message", (message: Finding[]) => (findings = message));
    thread.once("error", (error: Error) => (failure = error));
    thread.once("exit", () => (findings ? resolve(findings) : reject(failure)));
  });
}
