// Follows one log file while it is written, from any byte on, until it is final.
import { constants, watch, type FSWatcher } from "node:fs";
import { Bell } from "../bell.js";
import { isOffset, openRegular, readChunk } from "./open-log.js";

/** How to follow a log. */
export interface FollowOptions {
  /** The byte offset to begin at; it may lie beyond the present end. */
  from: number;
  /** Ends the following quietly, at once. */
  signal: AbortSignal;
  /** Whether nothing will be written any more. Asked at the start and about once a second at the end of the file. */
  isFinal: () => Promise<boolean>;
  /** Aborted by the caller when the log has become final: saves the wait for the next question. */
  finalSignal?: AbortSignal | undefined;
}

/** File watching may miss a change or be refused (the system's watches run out): look again this often anyway. */
const RECHECK_MS = 1000;

/** See LogStore.follow. `create` makes an empty log; it is called only if the log may still be written. */
export function followLog(
  path: string,
  create: () => Promise<void>,
  options: FollowOptions,
): AsyncIterableIterator<Buffer> {
  if (!isOffset(options.from)) throw new RangeError(`${options.from} is not a place in a log`);
  const bell = new Bell();
  const leaving = new AbortController();
  const chunks = follow(path, create, options, bell, leaving.signal);
  return {
    next: () => chunks.next(),
    // A generator's own return() waits for the pending next(), which may be waiting for a line that never comes.
    return: () => {
      leaving.abort();
      bell.ring();
      return chunks.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* follow(
  path: string,
  create: () => Promise<void>,
  { from, signal, isFinal, finalSignal }: FollowOptions,
  bell: Bell,
  leaving: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const askFinal = async () => finalSignal?.aborted === true || (await isFinal());
  let final = await askFinal();
  if (!final) await create();
  const file = await openRegular(path, constants.O_RDONLY);
  if (!file) return;
  const question = { open: false };
  const ringToAsk = () => {
    question.open = true;
    bell.ring();
  };
  const stopListening = listen(path, { ring: bell.ring, ringToAsk }, signal, finalSignal);
  try {
    for (let position = from; !signal.aborted && !leaving.aborted;) {
      const chunk = await readChunk(file.handle, position);
      position += chunk.length;
      if (chunk.length > 0) yield chunk;
      else if (final) return;
      else await bell.rung();
      // Asked before the next read: whatever was written before the answer "final" is still found by that read.
      if (chunk.length > 0 || !question.open) continue;
      question.open = false;
      final = await askFinal();
    }
  } finally {
    stopListening();
    await file.handle.close();
  }
}

/** `ring`: look at the file again; `ringToAsk`: and ask whether it is final, too. */
type Rings = Record<"ring" | "ringToAsk", () => void>;

/** Rings at every change of the file, every abort and every re-check; gives back how to end that. */
function listen(path: string, { ring, ringToAsk }: Rings, signal: AbortSignal, finalSignal?: AbortSignal): () => void {
  const watcher = watchIfPossible(path, ring);
  const timer = setInterval(ringToAsk, RECHECK_MS);
  signal.addEventListener("abort", ring);
  finalSignal?.addEventListener("abort", ringToAsk);
  if (finalSignal?.aborted) ringToAsk(); // it came before this function
  return () => {
    watcher?.close();
    clearInterval(timer);
    signal.removeEventListener("abort", ring);
    finalSignal?.removeEventListener("abort", ringToAsk);
  };
}

/** Watches a file; null where the system refuses. */
export function watchIfPossible(path: string, ring: () => void): FSWatcher | null {
  try {
    return watch(path, ring).on("error", ring);
  } catch {
    return null; // the re-check is slower, but finds everything too
  }
}
