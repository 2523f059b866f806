// A pool of real workers in a folder of its own, for one test; what a run leaves behind fails the test.
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { expect, onTestFinished } from "vitest";

import { identify } from "../../../src/handlers/process/process-identity.js";
import type { ProcessIdentity } from "../../../src/handlers/process/process-identity.js";
import { signalRun } from "../../../src/handlers/process/process-tree.js";
import type { RunProcesses } from "../../../src/handlers/process/process-tree.js";
import { readStatus, writeRequest } from "../../../src/handlers/process/run-folder.js";
import type { RunRequest, RunStatus } from "../../../src/handlers/process/run-folder.js";
import { WorkerPool } from "../../../src/handlers/process/worker-pool.js";
import type { RunAnswer, WorkerPoolOptions } from "../../../src/handlers/process/worker-pool.js";

/** The part of the environment that real callers allow through. */
export const baseEnv = { PATH: process.env.PATH ?? "", HOME: tmpdir() };

/** Whether workers must get cgroups here: tries it by other means than they do. As root it works nearly everywhere. */
export function machineHasCgroups(): boolean {
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "";
  const mount = / \/ (\S+) [^-]* - cgroup2 /.exec(readFileSync("/proc/self/mountinfo", "utf8"))?.[1];
  if (mount === undefined) return false;
  const folder = `${mount}${own}/batchline-test-${process.pid}`;
  const enter = ["-c", 'mkdir "$1" && echo $$ >"$1/cgroup.procs"', "enter", folder];
  const { status } = spawnSync("bash", enter, { stdio: "ignore" });
  spawnSync("rmdir", [folder], { stdio: "ignore" });
  return status === 0;
}

/** Everything that can be known of a finished run. */
export interface Outcome {
  answer: RunAnswer;
  out: Buffer;
  err: Buffer;
  status: RunStatus;
}

/** The text of a batch in test/fixtures. */
export async function fixture(behaviour: string): Promise<string> {
  return readFile(new URL(`../../fixtures/batches/${behaviour}/script.sh`, import.meta.url), "utf8");
}

type Probed<T> = T | false | null | undefined;

/** Waits for a condition to hold and returns its value; fails with `what` after ten seconds. */
export async function until<T>(what: string, probe: () => Probed<T> | Promise<Probed<T>>): Promise<T> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const value = await probe();
    if (value !== false && value !== null && value !== undefined) return value;
    await pause(4);
  }
  throw new Error(`waited in vain until ${what}`);
}

/** The pids of all processes of which this holds; `proc` is the folder in /proc. */
async function pidsWhere(test: (proc: string) => Promise<boolean>): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const passed = await Promise.all(pids.map((pid) => test(`/proc/${pid}`).catch(() => false)));
  return pids.filter((_, at) => passed[at]).map(Number);
}

/** Opens a room with a pool of two workers, if nothing else is asked; it is closed and searched when the test ends. */
export async function openRoom(options: Partial<WorkerPoolOptions> = {}): Promise<RunRoom> {
  const folder = await mkdtemp(join(tmpdir(), "batchline-process-"));
  const room = new RunRoom(folder, options);
  onTestFinished(() => room.close());
  await mkdir(room.runsFolder);
  await mkdir(room.logsFolder);
  await room.pool.start();
  return room;
}

export class RunRoom {
  readonly runsFolder: string;
  readonly logsFolder: string;
  readonly pool: WorkerPool;
  readonly runIds: string[] = [];
  private readonly prefix = randomInt(1e9);
  private readonly pools: WorkerPool[] = [];

  constructor(
    readonly folder: string,
    private readonly options: Partial<WorkerPoolOptions>,
  ) {
    this.runsFolder = join(folder, "runs");
    this.logsFolder = join(folder, "logs");
    this.pool = this.addPool();
  }

  /** One more pool on the same runs, not yet started. */
  addPool(options = this.options): WorkerPool {
    const pool = new WorkerPool({ runsFolder: this.runsFolder, size: 2, capBytes: 8 << 20, baseEnv, ...options });
    this.pools.push(pool);
    return pool;
  }

  /** Makes a run folder with this script and its request, and returns the run's id. */
  async prepare(script: string, changes: Partial<RunRequest> & { args?: string[] } = {}): Promise<string> {
    const runId = `${this.prefix}-${this.runIds.length + 1}`;
    this.runIds.push(runId);
    await mkdir(this.workFolder(runId), { recursive: true });
    await writeFile(join(this.workFolder(runId), "script.sh"), script);
    const { args = [], env, ...rest } = changes;
    writeRequest(this.runFolder(runId), {
      workFolder: this.workFolder(runId),
      outFile: this.logFile(runId, "out"),
      errFile: this.logFile(runId, "err"),
      limits: "",
      command: ["bash", "script.sh", ...args],
      ...rest,
      env: { BATCHLINE_RUN: runId, ...env },
    });
    return runId;
  }

  /** Prepares a run, has it done and returns all that is known of it. */
  async run(script: string, changes: Parameters<RunRoom["prepare"]>[1] = {}): Promise<Outcome> {
    return this.finish(await this.prepare(script, changes));
  }

  /** Has a prepared run done and returns all that is known of it. */
  async finish(runId: string): Promise<Outcome> {
    const answer = await this.pool.run(runId);
    const status = readStatus(this.runFolder(runId));
    return { answer, out: await this.log(runId, "out"), err: await this.log(runId, "err"), status };
  }

  runFolder(runId: string): string {
    return join(this.runsFolder, runId);
  }

  workFolder(runId: string): string {
    return join(this.runFolder(runId), "work");
  }

  logFile(runId: string, stream: "out" | "err"): string {
    return join(this.logsFolder, `${runId}.${stream}`);
  }

  /** What was captured so far; empty if there is no file. */
  async log(runId: string, stream: "out" | "err"): Promise<Buffer> {
    return readFile(this.logFile(runId, stream)).catch(() => Buffer.alloc(0));
  }

  /** Waits until the script runs, and tells who runs it. */
  async started(runId: string): Promise<{ script: ProcessIdentity; worker: ProcessIdentity }> {
    return until("the script runs", () => {
      const status = readStatus(this.runFolder(runId));
      return status.state === "running" && status.script && { script: status.script, worker: status.worker };
    });
  }

  /** Waits until a log holds this text. */
  async printed(runId: string, text: string, stream: "out" | "err" = "out"): Promise<void> {
    await until(`the log says ${text}`, async () => (await this.log(runId, stream)).includes(text));
  }

  cookie(runId: string): string {
    return `BATCHLINE_RUN=${runId}`;
  }

  /** What a run's processes are known by, as its status file has it now. */
  processes(runId: string): RunProcesses {
    const status = readStatus(this.runFolder(runId));
    const known = status.state === "running" || status.state === "exit" ? status : { worker: null, script: null };
    return { worker: known.worker, script: known.script ?? null, cookie: this.cookie(runId) };
  }

  /** Kills what is left of a run whose script has ended. */
  async killLeftovers(runId: string): Promise<number> {
    return signalRun(this.processes(runId), "SIGKILL");
  }

  /** The pids of everything whose working folder is this one, or inside it: workers and drains, or a run's processes. */
  async pidsIn(folder: string): Promise<number[]> {
    return pidsWhere(async (proc) => {
      const cwd = await readlink(`${proc}/cwd`);
      return cwd === folder || cwd.startsWith(`${folder}/`);
    });
  }

  /** The pids of all workers and drains. */
  async staff(): Promise<number[]> {
    const scripts = new Set((await Promise.all(this.runIds.map((id) => this.pidsIn(this.runFolder(id))))).flat());
    return (await this.pidsIn(this.runsFolder)).filter((pid) => !scripts.has(pid));
  }

  async close(): Promise<void> {
    await Promise.all(this.pools.map((pool) => pool.stop()));
    const leftovers = async (): Promise<number[]> => [
      ...(await this.pidsIn(this.folder)),
      ...(await pidsWhere(async (proc) =>
        (await readFile(`${proc}/environ`)).includes(this.cookie(`${this.prefix}-`)),
      )),
    ];
    const clean = await until("nothing is left", async () => (await leftovers()).length === 0).catch(() => false);
    const left = clean ? [] : await leftovers();
    for (const pid of new Set(left)) if (identify(pid)) process.kill(pid, "SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
    expect(left, "processes left behind").toEqual([]);
  }
}
