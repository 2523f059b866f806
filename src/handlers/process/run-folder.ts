// The files through which the service and a worker talk about one run: `req` (we write) and `status` (the worker does).
import { readFileSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";

import { AppError } from "../../errors.js";
import { readBootId } from "./process-identity.js";
import type { ProcessIdentity } from "./process-identity.js";

/** What a worker is to start, and where the output goes. */
export interface RunRequest {
  /** Absolute path of the folder that the script starts in. */
  workFolder: string;
  /** Absolute path for stdout; the file appears with the first byte printed. */
  outFile: string;
  /** The same for stderr. */
  errFile: string;
  /** Words for bash's `ulimit`, such as `-v 524288 -n 64`; empty for none. */
  limits: string;
  /** Set on top of the worker's own environment; any name without `=` will do. */
  env: Record<string, string>;
  /** The program and its arguments, each one word: `["bash", "script.sh", "first argument"]`. */
  command: string[];
}

/** How far a run has come. Times are epoch milliseconds. */
export type RunStatus =
  | { state: "absent" }
  /** Being written right now, or its writer died while at it: only time tells. */
  | { state: "torn" }
  | { state: "starting" | "running"; worker: ProcessIdentity; script?: ProcessIdentity }
  | Exit;

/** How a script ended, and who it was, as long as that is of use: until the next boot of the machine. */
export interface Exit {
  state: "exit";
  /** 128 + N after signal N. */
  code: number;
  /** Epoch milliseconds. */
  endedAt: number;
  /** The log lacks bytes because of the cap or a full disk. */
  outTruncated: boolean;
  errTruncated: boolean;
  worker: ProcessIdentity;
  /** Null if it was never recorded: it was killed before it could say who it is. */
  script: ProcessIdentity | null;
}

// Both files are a few hundred bytes in the page cache, handled at once: a trip to another thread takes ten times as long.
const STATUS_FILE = "status";
const REQUEST_FILE = "req";
const LINE_BYTES = 95;

/** Writes the request into a run folder that nobody else can see yet: it is neither replaced nor written at one go. */
export function writeRequest(draftFolder: string, request: RunRequest): void {
  writeFileSync(join(draftFolder, REQUEST_FILE), encodeRequest(request));
}

/** Reads how far the run has come; a file that makes no sense is `torn`. */
export function readStatus(runFolder: string): RunStatus {
  try {
    return parseStatus(readFileSync(join(runFolder, STATUS_FILE), "latin1"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { state: "absent" };
    throw error;
  }
}

function encodeRequest(request: RunRequest): string {
  refuseFaults(request);
  const { held, plain } = splitEnvironment(request.env);
  const command = held.length === 0 ? request.command : ["env", "--", ...held, ...request.command];
  const { workFolder, outFile, errFile, limits } = request;
  return [workFolder, outFile, errFile, limits, String(plain.length), ...plain, ...command, ""].join("\0");
}

// Variables to which bash gives a meaning or a value of its own, however often they are exported.
const HELD_BY_BASH = new Set(
  (
    "_ COMP_WORDBREAKS DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID EXECIGNORE FUNCNAME FUNCNEST GROUPS HISTCMD LINENO " +
    "OLDPWD OPTIND PIPESTATUS POSIXLY_CORRECT PPID PWD RANDOM SECONDS SHELLOPTS SHLVL SRANDOM UID"
  ).split(" "),
);

/** The worker exports the plain entries; `env`, at the price of one more program, sets those that bash cannot. */
function splitEnvironment(env: Record<string, string>): { plain: string[]; held: string[] } {
  const plain: string[] = [];
  const held: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    const fitsBash = /^(?!BASH)[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !HELD_BY_BASH.has(name);
    (fitsBash ? plain : held).push(`${name}=${value}`);
  }
  return { plain, held };
}

function refuseFaults({ workFolder, outFile, errFile, limits, env, command }: RunRequest): void {
  for (const [field, path] of Object.entries({ workFolder, outFile, errFile })) {
    refuse(path, `/${field}`);
    if (!isAbsolute(path))
      throw invalid(`/${field}`, "A run's folder and log files need absolute paths; give the whole path.");
  }
  refuse(limits, "/limits");
  for (const [name, value] of Object.entries(env)) {
    refuse(`${name}${value}`, `/env/${name}`);
    if (name !== "" && !name.includes("=")) continue;
    throw invalid(`/env/${name}`, "The name of an environment variable is empty or holds the character =; rename it.");
  }
  if (command.length === 0) throw invalid("/command", "A run needs a command; name a program to start.");
  command.forEach((word, index) => refuse(word, `/command/${index}`));
}

/** The NUL character ends a field here, and every argument and environment entry in Linux. */
function refuse(text: string, pointer: string): void {
  if (!text.includes("\0")) return;
  throw invalid(
    pointer,
    "A path, argument or environment entry of this run holds a NUL character, which no program can receive; remove it.",
  );
}

function invalid(pointer: string, message: string): AppError {
  return new AppError("invalid", message, { errors: [{ pointer, message }] });
}

const BOOT_ID = "[0-9a-f-]{36}";
const STARTING = new RegExp(`^starting (\\d+) (\\d+) (${BOOT_ID})$`);
const RUNNING = new RegExp(`^running (\\d+) (\\d+) (\\d+) (\\d+) (${BOOT_ID})$`);
const EXIT = new RegExp(
  "^exit (?<code>\\d{1,3}) (?<time>\\d+\\.\\d{6}) (?<worker>\\d+ \\d+)" +
    "(?: (?<script>\\d+ \\d+) (?<boot>[0-9a-f]{8}))?(?<out> cut-out)?(?<err> cut-err)?$",
);

function parseStatus(text: string): RunStatus {
  const [state, outWords, errWords] = [0, 1, 2].map((line) =>
    text.slice(line * LINE_BYTES, (line + 1) * LINE_BYTES).trim(),
  );
  if (text.length !== 3 * LINE_BYTES || state === undefined) return { state: "torn" };

  const starting = STARTING.exec(state);
  if (starting) return { state: "starting", worker: identity(starting[1], starting[2], starting[3]) };

  const running = RUNNING.exec(state);
  if (running) {
    const [, pid, ticks, workerPid, workerTicks, bootId] = running;
    return { state: "running", worker: identity(workerPid, workerTicks, bootId), script: identity(pid, ticks, bootId) };
  }

  return parseExit(state, outWords !== "", errWords !== "") ?? { state: "torn" };
}

function parseExit(line: string, outComplained: boolean, errComplained: boolean): Exit | null {
  const { code, time, worker = "", script = "", boot, out, err } = EXIT.exec(line)?.groups ?? {};
  if (code === undefined || Number(code) > 255) return null;
  // The line has room for the first part of the boot id only. One of another boot is never taken for this one's.
  const bootId = boot !== undefined && readBootId().startsWith(boot) ? readBootId() : boot;
  const [workerPid, workerTicks] = worker.split(" ");
  const [pid, ticks] = script.split(" ");
  return {
    state: "exit",
    code: Number(code),
    endedAt: Math.floor(Number(time) * 1000),
    outTruncated: out !== undefined || outComplained,
    errTruncated: err !== undefined || errComplained,
    worker: identity(workerPid, workerTicks, bootId),
    script: Number(pid) > 0 ? identity(pid, ticks, bootId) : null,
  };
}

function identity(
  pid: string | undefined,
  startTicks: string | undefined,
  bootId: string | undefined,
): ProcessIdentity {
  return { pid: Number(pid), startTicks: Number(startTicks), bootId: bootId ?? "" };
}
