// What scripts leave behind is found for the right run, with a cgroup and without; the log is waited for.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { drainsEnded, groupExists, leftovers, strays } from "../../../src/handlers/process/leftovers.js";
import { identify, readBootId } from "../../../src/handlers/process/process-identity.js";
import { describe as name } from "../../../src/handlers/process/process-list.js";
import { findProcesses, signalRun } from "../../../src/handlers/process/process-tree.js";
import { readStatus } from "../../../src/handlers/process/run-folder.js";
import type { Exit } from "../../../src/handlers/process/run-folder.js";
import { fixture, machineHasCgroups, openRoom, until } from "./run-room.js";
import type { RunRoom } from "./run-room.js";

const withCgroups = it.skipIf(!machineHasCgroups());

/** Leaves one process behind that has nothing of its run any more but the cgroup; prints its pid. */
const LEAVES_HIDDEN = `env -i setsid bash -c 'echo "$$"; exec sleep 600 <&- >&- 2>&-' & sleep 0.05`;

async function hidden(room: RunRoom): Promise<{ runId: string; pid: number }> {
  const runId = await room.prepare(LEAVES_HIDDEN);
  const { out } = await room.finish(runId);
  const pid = Number(out.toString());
  onTestFinished(() => {
    if (identify(pid)) process.kill(pid, "SIGKILL");
  });
  return { runId, pid };
}

function end(room: RunRoom, runId: string): Exit {
  const status = readStatus(room.runFolder(runId));
  if (status.state !== "exit") throw new Error(`the run has not ended: ${status.state}`);
  return status;
}

describe("leftovers", () => {
  it.each([true, false])("are none of a script that leaves none (cgroups: %s)", async (cgroups) => {
    const room = await openRoom({ cgroups });
    for (const script of ["true", "sleep 0.1; echo late", "(exit 3) & wait"]) {
      const runId = await room.prepare(script);
      await room.finish(runId);
      expect(await leftovers(room.processes(runId), { thorough: true })).toEqual([]);
    }
  });

  withCgroups("are found in the cgroup, whatever they threw away, and named", async () => {
    const room = await openRoom({ size: 1 });
    const { runId, pid } = await hidden(room);
    const left = await leftovers(room.processes(runId), { thorough: false });
    expect(left).toEqual([identify(pid)]);
    expect(name(left)).toBe(`${pid} (sleep)`);
    expect(await signalRun(room.processes(runId), "SIGKILL")).toBe(1);
    expect(await leftovers(room.processes(runId), { thorough: true })).toEqual([]);
    expect(name(left)).toBe(String(pid));
  });

  it("are found without a cgroup in the group at once, elsewhere only with reason to look", async () => {
    const room = await openRoom({ size: 1, cgroups: false });
    const inGroup = await room.prepare("sleep 600 >/dev/null 2>&1 &");
    const away = await room.prepare("setsid sleep 600 >/dev/null 2>&1 & sleep 0.1");
    for (const runId of [inGroup, away]) await room.finish(runId);
    expect([inGroup, away].map((runId) => groupExists(room.processes(runId).script))).toEqual([true, false]);
    expect(await leftovers(room.processes(inGroup), { thorough: false })).toHaveLength(1);
    expect(await leftovers(room.processes(away), { thorough: false })).toEqual([]);
    expect(await leftovers(room.processes(away), { thorough: true })).toHaveLength(1);
    for (const runId of [inGroup, away]) expect(await room.killLeftovers(runId)).toBe(1);
    expect(await leftovers(room.processes(inGroup), { thorough: true })).toEqual([]);
  });

  withCgroups("stay what they are: their worker gets no other run, and is replaced without a warning", async () => {
    const warnings: string[] = [];
    const room = await openRoom({ size: 1, logger: { warn: (_, message) => void warnings.push(message) } });
    const kept = await hidden(room);
    const runId = await room.prepare("env -i setsid sleep 600 & (setsid sleep 600 &) ; echo ready; wait");
    const answer = room.pool.run(runId);
    await room.printed(runId, "ready");
    await until("its three processes are there", async () => (await room.pidsIn(room.workFolder(runId))).length === 3);
    expect(room.processes(runId).worker).not.toEqual(room.processes(kept.runId).worker);
    expect(await leftovers(room.processes(kept.runId), { thorough: true })).toEqual([identify(kept.pid)]);
    expect(await signalRun(room.processes(runId), "SIGKILL")).toBe(3);
    expect(await answer).toMatchObject({ kind: "done", code: 137 });
    expect(identify(kept.pid)).not.toBeNull();
    expect(await signalRun(room.processes(kept.runId), "SIGKILL")).toBe(1);
    expect(warnings).toEqual([]);
  });

  withCgroups("are not what a later run of the same worker does", async () => {
    const room = await openRoom({ size: 1 });
    const first = await room.prepare("true");
    expect((await room.finish(first)).answer).toMatchObject({ kind: "done", clean: true });
    const later = await room.prepare("env -i setsid sleep 600 & (setsid sleep 600 &) ; echo ready; wait");
    const answer = room.pool.run(later);
    await room.printed(later, "ready");
    await until("its three processes are there", async () => (await room.pidsIn(room.workFolder(later))).length === 3);
    await until("and both drains", async () => (await room.staff()).length === 3);
    expect(room.processes(first).worker).toEqual(room.processes(later).worker);
    expect(await leftovers(room.processes(first), { thorough: true })).toEqual([]);
    expect(await signalRun(room.processes(first), "SIGKILL")).toBe(0);
    expect(await signalRun(room.processes(later), "SIGKILL")).toBe(3);
    expect(await answer).toMatchObject({ kind: "done", code: 137 });
  });

  withCgroups("are not what a later run left, which has its own cookie", async () => {
    const room = await openRoom({ size: 1 });
    const first = await room.prepare("true");
    await room.finish(first);
    const later = await room.prepare("setsid sleep 600 >/dev/null 2>&1 & sleep 0.05");
    expect((await room.finish(later)).answer).toMatchObject({ kind: "done", open: false, clean: false });
    expect(room.processes(first).worker).toEqual(room.processes(later).worker);
    expect(await leftovers(room.processes(first), { thorough: true })).toEqual([]);
    expect(await room.killLeftovers(later)).toBe(1);
  });
});

describe("groupExists", () => {
  it("is false for nobody", () => {
    const bootId = readBootId();
    expect(groupExists(null)).toBe(false);
    expect(groupExists({ pid: 0, startTicks: 0, bootId })).toBe(false);
    expect(groupExists({ pid: 0x7fffffff, startTicks: 1, bootId })).toBe(false);
  });

  it("does not take a stranger's group, or one before a reboot, for the script's", async () => {
    const room = await openRoom();
    const runId = await room.prepare("sleep 600");
    const answer = room.pool.run(runId);
    const { script } = await room.started(runId);
    expect(groupExists(script)).toBe(true);
    expect(groupExists({ ...script, startTicks: script.startTicks - 1 })).toBe(false);
    expect(groupExists({ ...script, bootId: "another boot" })).toBe(false);
    await signalRun(room.processes(runId), "SIGKILL");
    await answer;
  });
});

describe("strays", () => {
  it("are grouped by the run whose result file they know, of this folder only", async () => {
    const room = await openRoom();
    const start = async (folder: string): Promise<string> => {
      const env = { BATCHLINE_RESULT: join(folder, String(room.runIds.length + 1), "result") };
      const runId = await room.prepare("setsid sleep 600 & sleep 600 &", { env });
      await room.finish(runId);
      return runId;
    };
    const [here, there] = [await start(room.runsFolder), await start("/elsewhere/runs")];
    expect(await strays(room.runsFolder)).toEqual(new Map([["1", await findProcesses(room.processes(here))]]));
    for (const runId of [here, there]) expect(await room.killLeftovers(runId)).toBe(2);
    expect(await strays(room.runsFolder)).toEqual(new Map());
  });
});

describe.each([true, false])("drainsEnded (cgroups: %s)", (cgroups) => {
  it("waits for what still carries the output, no longer than it may", async () => {
    const room = await openRoom({ size: 1, cgroups });
    const runId = await room.prepare(await fixture("leaves-child"));
    expect((await room.finish(runId)).answer).toMatchObject({ kind: "done", open: true });
    const status = end(room, runId);
    const before = performance.now();
    await drainsEnded(status, 150);
    expect(performance.now() - before).toBeGreaterThanOrEqual(149);
    const waiting = drainsEnded(status, 60_000);
    expect(await room.killLeftovers(runId)).toBe(1);
    await waiting;
    expect(await room.staff()).toHaveLength(1);
  });

  it("does not wait for those of a later run, nor for a worker that has none", async () => {
    const room = await openRoom({ size: 1, cgroups });
    const runId = await room.prepare("true");
    await room.finish(runId);
    await drainsEnded(end(room, runId), 60_000);
    const later = await room.prepare(await fixture("slow-lines"));
    const answer = room.pool.run(later);
    await until("both its drains are there", async () => (await room.staff()).length === 3);
    await drainsEnded(end(room, runId), 60_000);
    await writeFile(join(room.workFolder(later), "go"), "");
    await answer;
    await room.pool.stop();
    await drainsEnded(end(room, runId), 60_000);
    await drainsEnded(end(room, later), 60_000);
  });
});
