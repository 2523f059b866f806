// Nothing that a script starts can hide, and nothing that is not its own is touched.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";

import { describe, expect, it } from "vitest";

import { identify } from "../../../src/handlers/process/process-identity.js";
import { findProcesses, signalRun } from "../../../src/handlers/process/process-tree.js";
import { readStatus } from "../../../src/handlers/process/run-folder.js";
import { PATIENCE } from "../../support/patience.js";
import { fixture, openRoom, until } from "./run-room.js";
import type { RunRoom } from "./run-room.js";

async function startFixture(room: RunRoom, behaviour: string, sign = "ready") {
  const runId = await room.prepare(await fixture(behaviour));
  const answer = room.pool.run(runId);
  const { script, worker } = await room.started(runId);
  await room.printed(runId, sign);
  return { runId, answer, worker, run: { script, worker: null, cookie: room.cookie(runId) } };
}

function pids(identities: { pid: number }[]): number[] {
  return identities.map(({ pid }) => pid).sort((a, b) => a - b);
}

describe("process tree, without a cgroup", () => {
  it("finds every child, wherever it went, and neither worker nor drains", async () => {
    // A worker in a cgroup is replaced after a run of which something has not quite ended: it would look like a dead one.
    const room = await openRoom({ cgroups: false });
    const { runId, answer, run, worker } = await startFixture(room, "spawns-children");
    const all = await until("all children are there", async () => {
      const inside = await room.pidsIn(room.workFolder(runId));
      return inside.length === 10 && inside.sort((a, b) => a - b);
    });
    await until("all have become what they are", async () => pids(await findProcesses(run)).length === all.length);
    expect(pids(await findProcesses(run))).toEqual(all);

    await expect.poll(() => room.staff(), PATIENCE).toHaveLength(4); // two workers, two drains
    expect(await signalRun(run, "SIGKILL")).toBeGreaterThanOrEqual(all.length);
    expect(await room.pidsIn(room.workFolder(runId))).toEqual([]);
    expect(await answer).toMatchObject({ kind: "done", code: 137, open: false });
    expect(await room.staff()).toContain(worker.pid);
  });

  it("still finds the children when the script is gone and only the cookie is known", async () => {
    const room = await openRoom();
    const runId = await room.prepare("setsid sleep 600 & sleep 600 & (sleep 600 &)");
    await room.finish(runId);
    const run = { script: null, worker: null, cookie: room.cookie(runId) };
    expect(await findProcesses(run)).toHaveLength(3);
    expect(await findProcesses({ ...run, cookie: run.cookie.slice(0, -1) })).toEqual([]);
    expect(await findProcesses({ ...run, cookie: `${run.cookie}0` })).toEqual([]);
    expect(await signalRun(run, "SIGTERM")).toBe(3);
    await until("they have ended", async () => (await findProcesses(run)).length === 0);
  });

  it("finds what is left of the group without the environment, when its leader has ended", async () => {
    const room = await openRoom();
    const runId = await room.prepare("env -i sleep 600 & sleep 0.1");
    const answer = room.pool.run(runId);
    const { script } = await room.started(runId);
    expect(await answer).toMatchObject({ kind: "done", open: true });
    expect(await findProcesses({ script: null, worker: null, cookie: room.cookie(runId) })).toEqual([]);
    expect(await signalRun({ script, worker: null, cookie: room.cookie(runId) }, "SIGKILL")).toBe(1);
  });

  it("asks with SIGTERM, wakes what is stopped, and kills what does not listen", async () => {
    const room = await openRoom();
    const deaf = await startFixture(room, "ignores-sigterm");
    process.kill(deaf.run.script.pid, "SIGSTOP");
    expect(await signalRun(deaf.run, "SIGTERM")).toBeGreaterThanOrEqual(1);
    await room.printed(deaf.runId, "not yet");
    expect(readStatus(room.runFolder(deaf.runId))).toMatchObject({ state: "running" });
    expect(await signalRun(deaf.run, "SIGKILL")).toBeGreaterThanOrEqual(1);
    expect(await deaf.answer).toMatchObject({ kind: "done", code: 137 });
    expect(await signalRun(deaf.run, "SIGKILL")).toBe(0);
  });

  it("outruns a script that keeps forking", async () => {
    const room = await openRoom();
    const runId = await room.prepare("echo ready; f() { (sleep 0.02; f) & (sleep 0.02) & wait; }; f");
    const answer = room.pool.run(runId);
    const { script } = await room.started(runId);
    await room.printed(runId, "ready");
    await signalRun({ script, worker: null, cookie: room.cookie(runId) }, "SIGKILL");
    expect(await room.pidsIn(room.workFolder(runId))).toEqual([]);
    expect(await answer).toMatchObject({ kind: "done", code: 137 });
  });

  it("does not count what has ended, but was not collected by its parent", async () => {
    const room = await openRoom();
    const runId = await room.prepare('(sleep 0.05 & echo "pid $!"; exec sleep 600) & wait');
    const answer = room.pool.run(runId);
    const { script } = await room.started(runId);
    await room.printed(runId, "pid ");
    const zombie = (await room.log(runId, "out")).toString().slice(4, -1);
    await until("it has ended", async () => /\) Z /.test(await readFile(`/proc/${zombie}/stat`, "utf8")));
    const run = { script, worker: null, cookie: room.cookie(runId) };
    expect(await findProcesses(run)).toHaveLength(2);
    await signalRun(run, "SIGKILL");
    await answer;
  });

  it("never signals a stranger that was given the script's pid", async () => {
    const env = { ...process.env, OTHER_RUN: "1-1" };
    const stranger = spawn("sleep", ["600"], { detached: true, stdio: "ignore", env });
    try {
      const now = identify(stranger.pid ?? 0);
      if (!now) throw new Error("the stranger did not start");
      const cookie = "BATCHLINE_RUN=nobody";
      const worker = null;
      const earlier = { ...now, startTicks: now.startTicks - 1 };
      expect(await signalRun({ script: earlier, worker, cookie }, "SIGKILL")).toBe(0);
      expect(await signalRun({ script: { ...now, bootId: "another boot" }, worker, cookie }, "SIGKILL")).toBe(0);
      expect(await findProcesses({ script: now, worker, cookie })).toEqual([now]);
      // Nor one with its cookie that was there before the script, such as the script that the service itself runs in.
      expect(await findProcesses({ script: now, worker, cookie: "OTHER_RUN=1-1" })).toEqual([now]);
      const later = { ...now, pid: 0x7fffffff, startTicks: now.startTicks + 1 };
      expect(await findProcesses({ script: later, worker, cookie: "OTHER_RUN=1-1" })).toEqual([]);
    } finally {
      stranger.kill("SIGKILL");
      await once(stranger, "exit");
    }
  });
});
