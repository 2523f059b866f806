// A log that several read while it is written: one file handle, one watch and one reading for all of them.
import { constants, type FSWatcher } from "node:fs";
import { lstat, type FileHandle } from "node:fs/promises";
import { watchIfPossible } from "./follow-log.js";
import { openRegular, readChunk } from "./open-log.js";

/** A piece of a log: text, or bytes in base64 where they are no UTF-8. */
export interface LogChunk {
  offset: number;
  bytes: number;
  text: string;
  encoding?: "base64";
}

type Ring = () => void;

/** File watching may miss a change or be refused (the system's watches run out): look again this often anyway. */
const RECHECK_MS = 1000;
/** So many chunks are remembered, for readers who are nearly at the same place. */
const REMEMBERED = 16;
const LINE_FEED = 0x0a;
const WINDOW_BYTES = 64 * 1024;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Shared {
  opening: Promise<LiveLog | null>;
  readers: number;
}

/** The logs that somebody reads live, each opened once. */
export class LiveLogs {
  private readonly shared = new Map<string, Shared>();

  /** See LogStore.live. */
  async join(path: string, ring: Ring, gone: AbortSignal): Promise<LiveLog | null> {
    const shared = this.shared.get(path) ?? { opening: LiveLog.open(path), readers: 0 };
    this.shared.set(path, shared);
    // Counted before anything is waited for: whoever leaves meanwhile must not close what this one is about to read.
    shared.readers += 1;
    const leave = () => {
      shared.readers -= 1;
      if (shared.readers === 0 && this.shared.get(path) === shared) this.shared.delete(path);
      return shared.readers === 0;
    };
    const log = await shared.opening.catch((error: unknown) => {
      leave();
      throw error;
    });
    if (!log) {
      leave();
      return null;
    }
    log.listeners.add(ring);
    const part = () => {
      log.listeners.delete(ring);
      if (leave()) void log.close();
    };
    gone.addEventListener("abort", part, { once: true });
    if (gone.aborted) part();
    return log;
  }
}

/** Each reader has a position of its own and asks for what is there; nobody waits for anybody. */
export class LiveLog {
  readonly listeners = new Set<Ring>();
  private readonly chunks = new Map<string, Promise<LogChunk | null>>();
  /** What is being read at this moment: after a change of the file it may have come too early. */
  private readonly reading = new Set<string>();
  private watcher: FSWatcher | null;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly path: string,
    private handle: FileHandle,
  ) {
    this.watcher = watchIfPossible(path, this.changed);
    this.timer = setInterval(() => void this.recheck(), RECHECK_MS);
  }

  /** Null: there is no such log. */
  static async open(path: string): Promise<LiveLog | null> {
    const file = await openRegular(path, constants.O_RDONLY);
    return file && new LiveLog(path, file.handle);
  }

  /**
   * At most 64 KiB from `offset` on, cut between characters; null: nothing more is there, but for the beginning of a
   * character, perhaps. Readers at the same place get the same chunk.
   *
   * @param final nothing will be written any more: a broken character at the end is given as it is
   */
  chunkAt(offset: number, final: boolean): Promise<LogChunk | null> {
    const key = `${offset} ${final}`;
    const known = this.chunks.get(key);
    if (known) return known;
    const read = this.read(offset, final);
    this.chunks.set(key, read);
    this.reading.add(key);
    const done = (chunk: LogChunk | null) => {
      this.reading.delete(key);
      if (!chunk && this.chunks.get(key) === read) this.chunks.delete(key);
    };
    read.then(done, () => done(null));
    for (const oldest of this.chunks.keys()) {
      if (this.chunks.size <= REMEMBERED) break;
      this.chunks.delete(oldest);
    }
    return read;
  }

  async size(): Promise<number> {
    return (await this.handle.stat()).size;
  }

  /** A place near the end, not before `from`: where a line begins, if one does within 64 KiB, else between characters. */
  async nearEnd(from: number): Promise<number> {
    const start = Math.max(from, (await this.size()) - WINDOW_BYTES);
    const bytes = await readChunk(this.handle, start);
    const line = bytes.indexOf(LINE_FEED) + 1;
    if (line > 0 && line < bytes.length) return start + line;
    const border = bytes.subarray(0, 4).findIndex((byte) => (byte & 0xc0) !== 0x80);
    return start + Math.max(0, border);
  }

  async close(): Promise<void> {
    this.watcher?.close();
    clearInterval(this.timer);
    await this.handle.close();
  }

  private readonly changed = (): void => {
    for (const key of this.reading) this.chunks.delete(key);
    this.reading.clear();
    for (const ring of this.listeners) ring();
  };

  private async read(offset: number, final: boolean): Promise<LogChunk | null> {
    const found = await readChunk(this.handle, offset);
    const bytes = found.subarray(0, wholeCharacters(found) || (final ? found.length : 0));
    if (bytes.length === 0) return null;
    const place = { offset, bytes: bytes.length };
    try {
      return { ...place, text: decoder.decode(bytes) };
    } catch {
      return { ...place, text: bytes.toString("base64"), encoding: "base64" };
    }
  }

  /** Somebody may have put another file in its place: then that one is the log. */
  private async recheck(): Promise<void> {
    const [there, here] = await Promise.all([lstat(this.path).catch(() => null), this.handle.stat().catch(() => null)]);
    if (there && here && there.ino !== here.ino) await this.reopen();
    this.changed();
  }

  private async reopen(): Promise<void> {
    const file = await openRegular(this.path, constants.O_RDONLY).catch(() => null);
    if (!file) return;
    const old = this.handle;
    this.handle = file.handle;
    this.watcher?.close();
    this.watcher = watchIfPossible(this.path, this.changed);
    await old.close();
  }
}

/** How many bytes of these there are without the beginning of a character whose rest is missing. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte < 0xc2 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
