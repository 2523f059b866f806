// Removes run folders behind the service's back: a process of its own, so that deleting never holds up a run.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("./remover.sh", import.meta.url));

export class Remover {
  private process: ChildProcessByStdio<Writable, null, null> | null = null;

  /** @param folder absolute; only names inside it are ever removed */
  constructor(private readonly folder: string) {}

  /** Starts the process; early, while the service is small, and as the last in line for the processor. */
  start(): void {
    this.process = spawn("nice", ["-n", "19", "bash", SCRIPT], {
      cwd: this.folder,
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    // One that cannot be had, or is killed, costs disk space until the next start sweeps; it harms no run.
    this.process.on("error", () => undefined).stdin.on("error", () => undefined);
    this.process.unref();
  }

  /** Has a folder removed, soon. @param name digits, letters and dashes only */
  remove(name: string): void {
    if (/^[\w-]+$/.test(name)) this.process?.stdin.write(`${name}\n`);
  }

  /** Waits until everything asked for is removed. */
  async stop(): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    process.ref();
    process.stdin.end();
    await once(process, "exit");
  }
}
