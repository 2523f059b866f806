// Nine ways in which a child gets out of sight: with a cgroup none works, without one the last alone does.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { describe, expect, it, onTestFinished } from "vitest";

import { identify, isAlive } from "../../../src/handlers/process/process-identity.js";
import { describe as name } from "../../../src/handlers/process/process-list.js";
import { findProcesses, signalRun } from "../../../src/handlers/process/process-tree.js";
import { readStatus } from "../../../src/handlers/process/run-folder.js";
import { machineHasCgroups, openRoom, until } from "./run-room.js";
import type { RunRoom } from "./run-room.js";

const withCgroups = it.skipIf(!machineHasCgroups());

/** The last one has another session, another parent, no environment and no stream of the script. */
const NINE_WAYS = `
  sleep 601 &
  setsid sleep 602 &
  (setsid bash -c '(sleep 603 &)' &)
  nohup sleep 604 >/dev/null 2>&1 &
  sleep 605 & disown
  set -m; sleep 606 & set +m
  env -i sleep 607 &
  perl -e 'setpgrp(0, 0); exec "sleep", "608"' &
  (env -i setsid bash -c '(exec sleep 609 <&- >&- 2>&- &)' &)
  echo ready
  wait`;

/** The pids of the script and of all nine, once each is what it will be. */
async function startNine(room: RunRoom, runId: string): Promise<number[]> {
  await room.started(runId);
  return until("all nine are there", async () => {
    const pids = await room.pidsIn(room.workFolder(runId));
    const named = name(pids.flatMap((pid) => identify(pid) ?? []));
    return pids.length === 10 && named.match(/sleep/g)?.length === 9 && pids.sort((a, b) => a - b);
  });
}

function pids(identities: { pid: number }[]): number[] {
  return identities.map(({ pid }) => pid).sort((a, b) => a - b);
}

describe("a script's nine ways out", () => {
  withCgroups.each(["SIGTERM", "SIGKILL"] as const)("are all ended by %s", async (signal) => {
    const room = await openRoom();
    const runId = await room.prepare(NINE_WAYS);
    const answer = room.pool.run(runId);
    const all = await startNine(room, runId);
    const run = room.processes(runId);
    expect(pids(await findProcesses(run))).toEqual(all);
    expect(await signalRun(run, signal)).toBe(10);
    await until("all have ended", async () => (await room.pidsIn(room.workFolder(runId))).length === 0);
    expect(await answer).toMatchObject({ kind: "done", code: signal === "SIGTERM" ? 143 : 137, open: false });
    expect((await room.run("echo fine")).out.toString()).toBe("fine\n");
  });

  withCgroups("are found by a later service, worker alive or not, and the log is whole", async () => {
    const room = await openRoom();
    await room.pool.stop();
    for (const killWorker of [false, true]) {
      const runId = await room.prepare(`trap 'echo "last words"; exit 5' TERM\n${NINE_WAYS}`);
      const service = spawn(
        process.execPath,
        [
          "--import",
          "tsx",
          fileURLToPath(new URL("./doomed-service.ts", import.meta.url)),
          room.runsFolder,
          runId,
          "hang",
        ],
        { stdio: "ignore", detached: true },
      );
      onTestFinished(() => void service.kill("SIGKILL"));
      const all = await startNine(room, runId);
      await room.printed(runId, "ready");
      const { worker, script } = await room.started(runId);
      service.kill("SIGKILL");
      await once(service, "exit");
      if (killWorker) process.kill(worker.pid, "SIGKILL");
      await until("the worker is as it shall be", () => isAlive(worker) !== killWorker);
      const run = room.processes(runId);
      expect(pids(await findProcesses(run))).toEqual(all);
      expect(await signalRun(run, "SIGTERM")).toBe(10);
      await until("nobody is left, drains included", async () => (await room.staff()).length === 0);
      expect(isAlive(script)).toBe(false);
      expect((await room.log(runId, "out")).toString()).toBe("ready\nlast words\n");
      expect(readStatus(room.runFolder(runId)).state).toBe(killWorker ? "running" : "exit");
    }
  });

  it("but the last are known where there is no cgroup", async () => {
    const room = await openRoom({ cgroups: false });
    const runId = await room.prepare(NINE_WAYS);
    const answer = room.pool.run(runId);
    const all = await startNine(room, runId);
    const run = room.processes(runId);
    expect(name(await findProcesses(run)).match(/sleep/g)).toHaveLength(8);
    expect(await signalRun(run, "SIGKILL")).toBe(9);
    expect(await answer).toMatchObject({ kind: "done", code: 137 });
    const survivors = await room.pidsIn(room.workFolder(runId));
    expect(survivors).toHaveLength(1);
    expect(all).toContain(survivors[0]);
    const [survivor = 0] = survivors;
    expect(name([identify(survivor) ?? []].flat())).toBe(`${survivor} (sleep)`);
    process.kill(survivor, "SIGKILL");
  });
});

describe("with a cgroup", () => {
  withCgroups("a script that keeps forking out of sight is outrun", async () => {
    const room = await openRoom();
    const runId = await room.prepare(
      `echo ready; f='sleep 0.02; env -i F="$F" setsid bash -c "$F" & sleep 0.02'; F=$f setsid bash -c "$f" & wait; sleep 600`,
    );
    const answer = room.pool.run(runId);
    await room.printed(runId, "ready");
    await signalRun(room.processes(runId), "SIGKILL");
    expect(await room.pidsIn(room.workFolder(runId))).toEqual([]);
    expect(await answer).toMatchObject({ kind: "done", code: 137 });
  });

  withCgroups("drains are spared, and nothing of the log is lost", async () => {
    const room = await openRoom();
    const script =
      "trap 'head -c 3000000 /dev/zero; exit 3' TERM; echo ready; touch there; while :; do sleep 0.01; done";
    const runId = await room.prepare(script);
    const answer = room.pool.run(runId);
    await room.printed(runId, "ready");
    await until("both drains are there", async () => (await room.staff()).length === 4);
    await signalRun(room.processes(runId), "SIGTERM");
    expect(await answer).toMatchObject({ kind: "done", code: 3, open: false });
    expect((await room.log(runId, "out")).length).toBe(3_000_006);
  });

  withCgroups("a drain whose worker was killed is spared until its script has said all", async () => {
    const room = await openRoom({ size: 1 });
    const runId = await room.prepare("echo ready; sleep 600 & wait");
    const answer = room.pool.run(runId);
    await room.printed(runId, "ready");
    await until("both drains are there", async () => (await room.staff()).length === 3);
    const drains = (await room.staff()).filter((pid) => pid !== room.processes(runId).worker?.pid);
    process.kill(room.processes(runId).worker?.pid ?? 0, "SIGKILL");
    expect(await answer).toEqual({ kind: "worker_gone" });
    expect(pids(await findProcesses(room.processes(runId)))).toEqual(
      (await room.pidsIn(room.workFolder(runId))).sort((a, b) => a - b),
    );
    await signalRun(room.processes(runId), "SIGKILL");
    await until("the drains have ended, too", async () => {
      const staff = await room.staff();
      return !drains.some((pid) => staff.includes(pid));
    });
  });
});
