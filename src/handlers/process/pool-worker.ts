// One bash worker, seen from the service: its process, its line protocol, and its end.
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { AppError } from "../../errors.js";
import { confine, pidsWith, releaseCgroup } from "./cgroup.js";
import { identify } from "./process-identity.js";
import type { ProcessIdentity } from "./process-identity.js";

/** What became of a run, as far as its worker can tell. */
export type RunAnswer =
  | Done
  /** Somebody has started this run before; nothing was done. */
  | { kind: "fenced" }
  /** The run could not begin: its folder has no room for a status file, is not there, or holds no whole request. */
  | { kind: "no_space" }
  /** The worker died at it; the run's status file tells how far it came. */
  | { kind: "worker_gone" };

/** The script has ended. */
export interface Done {
  kind: "done";
  /** 128 + N after signal N. */
  code: number;
  /** Something that it left behind still holds its stdout or stderr, and the logs may grow. */
  open: boolean;
  /** It left no process behind, for certain. False if it did, and where workers have no cgroups to tell by. */
  clean: boolean;
}

export interface PoolWorkerOptions {
  runsFolder: string;
  /** At most this many KiB are kept of each stream. */
  capKib: number;
  windowMs: number;
  env: Record<string, string>;
  /** The shell script that the worker is; the one beside this file if left out. */
  script?: string | undefined;
  /** Whether it gets a cgroup of its own, where the machine allows that. */
  cgroup: boolean;
}

const SCRIPT = fileURLToPath(new URL("./worker.sh", import.meta.url));
const LEAVE_MS = 1000;

export class PoolWorker {
  /** Fulfilled once the worker can be asked; rejected with a sentence for people if it never comes to that. */
  readonly ready: Promise<void>;
  /** Fulfilled once the worker has ended and all it said has been read. */
  readonly gone: Promise<void>;
  /** How many runs it was asked for. */
  runs = 0;
  hasGone = false;
  /** It was sent away. */
  isLeaving = false;
  /** What a script left behind is in its cgroup: the next run would not know it from its own. */
  hasCompany = false;

  private readonly identity: ProcessIdentity | null;
  private isConfined = false;
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private listener: ((line: string | null) => void) | null = null;
  private unread = "";

  constructor({ runsFolder, capKib, windowMs, env, script = SCRIPT, cgroup }: PoolWorkerOptions) {
    // Detached: its own session, so that neither a Ctrl-C nor the service's end reaches the scripts.
    this.child = spawn("bash", [script, String(capKib), String(windowMs / 1000)], {
      cwd: runsFolder,
      detached: true,
      env,
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.identity = this.child.pid === undefined ? null : identify(this.child.pid);
    this.gone = new Promise((resolve) => {
      const end = (): void => {
        this.hasGone = true;
        if (this.isConfined && this.identity) releaseCgroup(this.identity);
        this.hear(null);
        resolve();
      };
      this.child.once("error", end);
      // "close", not "exit": the last answer may still be in the pipe when the process is gone.
      this.child.once("close", end);
    });
    this.child.stdin.on("error", () => undefined); // it died while we wrote; "close" follows
    this.child.stdout.setEncoding("utf8").on("data", (chunk: string) => this.read(chunk));
    // It starts nothing before it is asked to: whatever it will start begins its life in the cgroup.
    this.ready = Promise.all([this.awaitGreeting(), cgroup ? this.confine() : undefined]).then(() => undefined);
  }

  /** Has the run done. Only an idle worker may be asked. */
  async ask(runId: string): Promise<RunAnswer> {
    this.runs++;
    this.child.stdin.write(`${runId}\n`);
    const answer = parseAnswer(await this.nextLine());
    return answer.kind === "done" ? { ...answer, clean: this.isAlone() } : answer;
  }

  /**
   * Sends the worker away: it finishes the run it has, and ends. Waits for one that has none, which takes
   * milliseconds. Afterwards the worker no longer keeps this process alive.
   */
  async leave(): Promise<void> {
    this.isLeaving = true;
    this.child.stdin.end();
    if (this.listener === null) await Promise.race([this.gone, pause(LEAVE_MS, undefined, { ref: false })]);
    this.child.unref();
    for (const stream of [this.child.stdin, this.child.stdout]) if (stream instanceof Socket) stream.unref();
  }

  private async confine(): Promise<void> {
    this.isConfined = this.identity !== null && (await confine(this.identity));
    if (this.isConfined && this.hasGone && this.identity) releaseCgroup(this.identity);
  }

  /** Whether nothing of a script is left, as far as the cgroup can tell. One small file: every run comes by here. */
  private isAlone(): boolean {
    const pids = this.isConfined && this.identity ? pidsWith(this.identity, null) : null;
    this.hasCompany = pids?.some((pid) => pid !== this.identity?.pid) ?? false;
    return pids !== null && !this.hasCompany;
  }

  private async awaitGreeting(): Promise<void> {
    const [kind, version] = (await this.nextLine())?.split(" ") ?? [];
    if (kind === "R") return;
    const found = version === undefined ? "none that works was found" : `the one found is ${version}`;
    throw new AppError(
      "unavailable",
      `Running scripts needs bash 5.1 or newer, but ${found}; install a newer bash, or put it first in PATH.`,
      { reason: "bash_too_old" },
    );
  }

  /** The next line that the worker says, or null when it has gone. */
  private nextLine(): Promise<string | null> {
    if (this.hasGone) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.listener = resolve;
    });
  }

  private read(chunk: string): void {
    const lines = (this.unread + chunk).split("\n");
    this.unread = lines.pop() ?? "";
    for (const line of lines) this.hear(line);
  }

  private hear(line: string | null): void {
    const listener = this.listener;
    this.listener = null;
    listener?.(line);
  }
}

/** Reads one line of the protocol at the top of worker.sh. */
function parseAnswer(line: string | null): RunAnswer {
  const [kind, , code, leftovers] = line?.split(" ") ?? [];
  if (kind === "D") return { kind: "done", code: Number(code), open: leftovers === "open", clean: false };
  if (kind === "F") return { kind: "fenced" };
  if (kind === "E") return { kind: "no_space" };
  return { kind: "worker_gone" };
}
