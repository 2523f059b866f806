// The two files of a run folder: requests that cannot be sent are refused, statuses that make no sense are torn.
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { beforeEach, describe, expect, it, onTestFinished } from "vitest";

import { AppError } from "../../../src/errors.js";
import { identify, readBootId } from "../../../src/handlers/process/process-identity.js";
import { readStatus, writeRequest } from "../../../src/handlers/process/run-folder.js";
import type { RunRequest } from "../../../src/handlers/process/run-folder.js";

const BOOT = "0f7f53a8-8a43-4f5d-9d1c-5b2f0d4ad1a4";
const request: RunRequest = {
  workFolder: "/w",
  outFile: "/o",
  errFile: "/e",
  limits: "-n 64",
  env: { A: "1", "b.c": "2" },
  command: ["bash", "script.sh", ""],
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "batchline-run-folder-"));
  const made = folder;
  onTestFinished(() => rm(made, { recursive: true }));
});

function status(first: string, second = "", third = ""): string {
  return [first, second, third].map((line) => `${line.padEnd(94)}\n`).join("");
}

/** Another boot's first eight digits. */
function swapped(digits: string): string {
  return digits.startsWith("0") ? `1${digits.slice(1)}` : `0${digits.slice(1)}`;
}

async function parsed(text: string): Promise<unknown> {
  await writeFile(join(folder, "status"), text);
  return readStatus(folder);
}

describe("request", () => {
  it("is one file of NUL-terminated fields; names that bash cannot export go through env", async () => {
    writeRequest(folder, request);
    expect(await readdir(folder)).toEqual(["req"]);
    const fields = ["/w", "/o", "/e", "-n 64", "1", "A=1", "env", "--", "b.c=2", "bash", "script.sh", "", ""];
    expect(await readFile(join(folder, "req"), "utf8")).toBe(fields.join("\0"));
  });

  it.each<[string, Partial<RunRequest>]>([
    ["/workFolder", { workFolder: "/a\0b" }],
    ["/workFolder", { workFolder: "relative" }],
    ["/outFile", { outFile: "/a\0b" }],
    ["/errFile", { errFile: "" }],
    ["/limits", { limits: "-n\0" }],
    ["/env/A", { env: { A: "\0" } }],
    ["/env/A\0", { env: { "A\0": "" } }],
    ["/env/A=B", { env: { "A=B": "" } }],
    ["/env/", { env: { "": "x" } }],
    ["/command/1", { command: ["bash", "\0"] }],
    ["/command", { command: [] }],
  ])("is refused for a fault at %j", async (pointer, changes) => {
    const write = () => writeRequest(folder, { ...request, ...changes });
    expect(write).toThrow(AppError);
    expect(write).toThrow(expect.objectContaining({ code: "invalid", errors: [expect.objectContaining({ pointer })] }));
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("status", () => {
  const worker = { pid: 12, startTicks: 345, bootId: BOOT };

  it("is absent before a worker has taken the run", () => {
    expect(readStatus(folder)).toEqual({ state: "absent" });
    expect(readStatus(join(folder, "nowhere"))).toEqual({ state: "absent" });
  });

  it("tells who starts and who runs", async () => {
    expect(await parsed(status(`starting 12 345 ${BOOT}`))).toEqual({ state: "starting", worker });
    const script = { pid: 67, startTicks: 890, bootId: BOOT };
    expect(await parsed(status(`running 67 890 12 345 ${BOOT}`))).toEqual({ state: "running", worker, script });
  });

  it.each([
    ["", "", "", false, false],
    [" cut-out", "", "", true, false],
    [" cut-err", "", "", false, true],
    [" cut-out cut-err", "", "", true, true],
    ["", "tee: /dev/fd/4: File too large\n", "", true, false],
    ["", "", "tee: /dev/fd/4: No space left on device\n", false, true],
  ])("tells the end, with `%s` %j %j", async (cut, second, third, outTruncated, errTruncated) => {
    const text = status(`exit 137 1795228818.902448 12 345 67 890 0f7f53a8${cut}`, second, third);
    const endedAt = 1795228818902;
    expect(await parsed(text)).toMatchObject({ state: "exit", code: 137, endedAt, outTruncated, errTruncated });
  });

  it("knows who it was only within one boot of the machine", async () => {
    const bootId = readBootId();
    expect(await parsed(status(`exit 0 1795228818.902448 12 345 67 890 ${bootId.slice(0, 8)}`))).toEqual({
      state: "exit",
      code: 0,
      endedAt: 1795228818902,
      outTruncated: false,
      errTruncated: false,
      worker: { pid: 12, startTicks: 345, bootId },
      script: { pid: 67, startTicks: 890, bootId },
    });
    const me = identify(process.pid);
    const mine = `${process.pid} ${me?.startTicks ?? 0}`;
    const before = await parsed(status(`exit 0 1795228818.902448 ${mine} ${mine} ${swapped(bootId.slice(0, 8))}`));
    for (const whose of ["worker", "script"]) {
      expect(before).toHaveProperty(whose, expect.objectContaining({ pid: process.pid, startTicks: me?.startTicks }));
      expect(before).not.toHaveProperty(whose, me);
    }
  });

  it("takes an end without a script, and one that an earlier version wrote", async () => {
    expect(await parsed(status("exit 3 1795228818.902448 12 345 0 0 0f7f53a8 cut-err"))).toMatchObject({
      code: 3,
      errTruncated: true,
      script: null,
    });
    expect(await parsed(status("exit 3 1795228818.902448 12 345 cut-out"))).toMatchObject({
      code: 3,
      outTruncated: true,
      worker: { pid: 12, startTicks: 345, bootId: "" },
      script: null,
    });
  });

  it.each([
    ["an empty file", ""],
    ["blanks", status("")],
    ["a short file", status(`starting 12 345 ${BOOT}`).slice(0, -1)],
    ["a long file", `${status(`starting 12 345 ${BOOT}`)} `],
    ["an unknown word", status(`waiting 12 345 ${BOOT}`)],
    ["no boot id", status("starting 12 345")],
    ["a mixture of two states", status(`exit 0 1795228818.902448 12 345 0 12 345 ${BOOT}`)],
    ["a code that cannot be", status("exit 256 1795228818.902448 12 345")],
    ["a negative pid", status(`starting -12 345 ${BOOT}`)],
    ["binary", "\0\xff".repeat(142) + "\0"],
  ])("is torn for %s", async (_, text) => {
    expect(await parsed(text)).toEqual({ state: "torn" });
  });
});
