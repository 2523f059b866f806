// A gate in a script's way: the script says that it has come and waits, until the test lets it through. No guessed delays.
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { PATIENCE } from "./patience.js";

/** How long a script waits at most, in seconds: one that a failed test forgot does not stay for ever. */
const WAIT_S = 30;

export class Gate {
  private readonly said: string[] = [];
  private readonly listeners: ((text: string) => void)[] = [];
  private unread = "";
  private readonly arrivals: Socket;
  private readonly permits: number;

  private constructor(private readonly folder: string) {
    execFileSync("mkfifo", [path.join(folder, "arrived"), path.join(folder, "open")]);
    // Both ends at once: neither the test nor a script ever has to wait for the other only to open it.
    const both = constants.O_RDWR | constants.O_NONBLOCK;
    this.permits = openSync(path.join(folder, "open"), both);
    this.arrivals = new Socket({ fd: openSync(path.join(folder, "arrived"), both), writable: false });
    this.arrivals.on("data", (chunk: Buffer) => this.hear(chunk.toString()));
  }

  /** A gate for this test alone; at its end every script is let through. */
  static async make(): Promise<Gate> {
    const gate = new Gate(await mkdtemp(path.join(tmpdir(), "batchline-gate-")));
    onTestFinished(() => gate.remove());
    return gate;
  }

  /**
   * A line of bash: says `text`, in which variables are expanded, and waits to be let through. The pipe is opened for
   * reading too: opened for writing only, a script that comes after the test would wait for a reader for ever.
   */
  pass(text = "here"): string {
    return `echo "${text}" 1<>'${this.folder}/arrived'; read -r -t ${WAIT_S} _ <>'${this.folder}/open'`;
  }

  /** A line of bash that says something and waits for nothing. */
  say(text: string): string {
    return `echo "${text}" 1<>'${this.folder}/arrived'`;
  }

  /** What the next script that came here said; each call waits for another one. */
  arrival(): Promise<string> {
    const text = this.said.shift();
    if (text !== undefined) return Promise.resolve(text);
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error("No script came to the gate.")), PATIENCE.timeout);
      this.listeners.push((said) => {
        clearTimeout(deadline);
        resolve(said);
      });
    });
  }

  /** Lets so many scripts through, whether they are here yet or come later. */
  open(count = 1): void {
    writeSync(this.permits, "\n".repeat(count));
  }

  private hear(chunk: string): void {
    const lines = (this.unread + chunk).split("\n");
    this.unread = lines.pop() ?? "";
    for (const line of lines) {
      const listener = this.listeners.shift();
      if (listener) listener(line);
      else this.said.push(line);
    }
  }

  private async remove(): Promise<void> {
    this.open(100);
    this.arrivals.destroy();
    closeSync(this.permits);
    // A script that is only now told to end may still be at it, and make a file where the pipe was.
    await rm(this.folder, { recursive: true, maxRetries: 20, retryDelay: 50 });
  }
}
