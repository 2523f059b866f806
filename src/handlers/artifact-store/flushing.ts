// Brings files to the disk while others are still being written.
import { close, fsync, openSync } from "node:fs";
import { promisify } from "node:util";

const closeFile = promisify(close);
const syncFile = promisify(fsync);

/** At once, of the few threads that all of the service's file operations share. */
const MOST = 2;

/** Files on their way to the disk. */
export class Flushing {
  private readonly pending = new Set<Promise<void>>();
  private failure: Error | null = null;

  /** Takes over an open file: it is synced, and closed whatever happens. Waits if too many are on their way. */
  async add(file: number): Promise<void> {
    const flushed = this.flush(file).finally(() => this.pending.delete(flushed));
    this.pending.add(flushed);
    if (this.pending.size > MOST) await Promise.race(this.pending);
  }

  /** The same for what is not open: a folder, for instance, with the names in it. */
  async addPath(path: string): Promise<void> {
    await this.add(openSync(path, "r"));
  }

  /** Waits until everything is on the disk. @throws the first failure */
  async done(): Promise<void> {
    await Promise.all(this.pending);
    if (this.failure !== null) throw this.failure;
  }

  /** A failure is kept for `done`: nobody may be waiting when it happens. */
  private async flush(file: number): Promise<void> {
    try {
      await syncFile(file).finally(() => closeFile(file));
    } catch (error) {
      this.failure ??= error as Error;
    }
  }
}
