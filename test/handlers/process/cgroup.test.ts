// A worker's cgroup is found wherever it is mounted, holds all that the worker starts, and goes with it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { confine, locateCgroup, pidsWith, releaseCgroup, sweepCgroups } from "../../../src/handlers/process/cgroup.js";
import { identify } from "../../../src/handlers/process/process-identity.js";
import type { ProcessIdentity } from "../../../src/handlers/process/process-identity.js";
import { machineHasCgroups, openRoom, until } from "./run-room.js";

const withCgroups = it.skipIf(!machineHasCgroups());

const V1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n";
const mount = (root: string, folder: string): string =>
  `41 31 0:38 ${root} ${folder} rw,relatime shared:4 - cgroup2 cgroup2 rw\n`;

describe("locateCgroup", () => {
  it.each([
    ["at the root of the mount", mount("/", "/sys/fs/cgroup"), "0::/\n", "/sys/fs/cgroup"],
    ["below it", mount("/", "/sys/fs/cgroup"), "0::/user.slice/a b\n", "/sys/fs/cgroup/user.slice/a b"],
    ["beside version 1", V1 + mount("/", "/cg/unified"), "1:cpu:/x\n0::/y\n", "/cg/unified/y"],
    ["where a part of it is mounted", mount("/docker/1", "/cg"), "0::/docker/1/x\n", "/cg/x"],
    ["at the root of that part", mount("/docker/1", "/cg"), "0::/docker/1\n", "/cg"],
    ["in the part that shows it", mount("/other", "/a") + mount("/mine", "/b"), "0::/mine/x\n", "/b/x"],
    ["with blanks and backslashes", mount("/a\\040b", "/c\\134d"), "0::/a b/x\n", "/c\\d/x"],
  ])("finds it %s", (_, mounts, membership, folder) => {
    expect(locateCgroup(mounts, membership)).toBe(folder);
  });

  it.each([
    ["with version 1 only", V1, "1:cpu:/x\n"],
    ["when it is not mounted", V1, "0::/x\n"],
    ["when another part of it is mounted", mount("/docker/1", "/cg"), "0::/docker/10\n"],
    ["when it is outside of our namespace", mount("/", "/cg"), "0::/../x\n"],
    ["when the mount is outside of our namespace", mount("/../..", "/cg"), "0::/x\n"],
  ])("finds none %s", (_, mounts, membership) => {
    expect(locateCgroup(mounts, membership)).toBeNull();
  });
});

/** A process that waits for its end, and a way to bring that about. */
async function startProcess(): Promise<{ identity: ProcessIdentity; end: () => Promise<void> }> {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  await once(child, "spawn");
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "close");
  };
  onTestFinished(end);
  const identity = identify(child.pid ?? 0);
  if (!identity) throw new Error("the process did not start");
  return { identity, end };
}

/** The folder of the cgroup that a process is in. */
function folderOf({ pid }: ProcessIdentity): string {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  return locateCgroup(mounts, readFileSync(`/proc/${pid}/cgroup`, "utf8")) ?? "";
}

describe("a worker's cgroup", () => {
  withCgroups("holds the worker, and goes when it has gone", async () => {
    const { identity, end } = await startProcess();
    expect(pidsWith(identity, null)).toBeNull();
    expect(await confine(identity)).toBe(true);
    expect(pidsWith(identity, null)).toEqual([identity.pid]);
    const folder = folderOf(identity);
    releaseCgroup(identity);
    expect(existsSync(folder)).toBe(true);
    await end();
    expect(pidsWith(identity, null)).toEqual([]);
    releaseCgroup(identity);
    expect(existsSync(folder)).toBe(false);
    expect(pidsWith(identity, null)).toBeNull();
  });

  withCgroups("shows what a script hides in a cgroup inside it, and is removed with that", async () => {
    const [worker, hidden] = [await startProcess(), await startProcess()];
    await confine(worker.identity);
    const folder = folderOf(worker.identity);
    mkdirSync(join(folder, "inner"));
    mkdirSync(join(folder, "inner", "most"));
    writeFileSync(join(folder, "inner", "most", "cgroup.procs"), String(hidden.identity.pid));
    expect(pidsWith(worker.identity, null)).toEqual([worker.identity.pid, hidden.identity.pid]);
    await worker.end();
    releaseCgroup(worker.identity);
    expect(pidsWith(worker.identity, null)).toEqual([hidden.identity.pid]);
    await hidden.end();
    releaseCgroup(worker.identity);
    expect(existsSync(folder)).toBe(false);
  });

  withCgroups("is swept when its worker is gone and it is empty, and only then", async () => {
    const [living, dead, survived, survivor] = await Promise.all([1, 2, 3, 4].map(startProcess));
    if (!living || !dead || !survived || !survivor) throw new Error("four processes were started");
    for (const { identity } of [living, dead, survived]) await confine(identity);
    const folders = [living, dead, survived].map(({ identity }) => folderOf(identity));
    writeFileSync(join(folders[2] ?? "", "cgroup.procs"), String(survivor.identity.pid));
    await Promise.all([dead.end(), survived.end()]);
    // Made, but not yet entered: its worker is alive.
    const entering = await startProcess();
    const fresh = join(folders[0] ?? "", "..", `w-${entering.identity.pid}-${entering.identity.startTicks}`);
    mkdirSync(fresh);
    sweepCgroups();
    expect([...folders, fresh].map(existsSync)).toEqual([true, false, true, true]);
    await Promise.all([living.end(), survivor.end(), entering.end()]);
    sweepCgroups();
    expect([...folders, fresh].map(existsSync)).toEqual([false, false, false, false]);
  });

  withCgroups("is found where a service in another place has made it, by whoever is in it", async () => {
    const [worker, script] = [await startProcess(), await startProcess()];
    const { pid, startTicks } = worker.identity;
    const place = join(folderOf(worker.identity), `other-place-${pid}`);
    const folder = join(place, `w-${pid}-${startTicks}`);
    mkdirSync(join(folder, "inner"), { recursive: true });
    onTestFinished(async () => {
      await script.end();
      for (const each of [join(folder, "inner"), folder, place]) rmdirSync(each);
    });
    writeFileSync(join(folder, "cgroup.procs"), String(pid));
    expect(pidsWith(worker.identity, null)).toEqual([pid]);
    writeFileSync(join(folder, "inner", "cgroup.procs"), String(script.identity.pid));
    await worker.end();
    expect(pidsWith(worker.identity, null)).toBeNull();
    expect(pidsWith(worker.identity, script.identity)).toEqual([script.identity.pid]);
  });

  it("is none of ours after a reboot", async () => {
    const { identity } = await startProcess();
    await confine(identity);
    expect(pidsWith({ ...identity, bootId: "another boot" }, identity)).toBeNull();
    onTestFinished(() => sweepCgroups());
  });

  it.skipIf(process.getuid?.() !== 0)("is done without where it is not allowed, and runs go on", async () => {
    const { identity } = await startProcess();
    process.seteuid?.(65534);
    const confined = await confine(identity).finally(() => process.seteuid?.(0));
    expect(confined).toBe(false);
    expect(pidsWith(identity, null)).toBeNull();
    expect(await confine({ ...identity, pid: 0x7fffffff })).toBe(false);
  });
});

describe("the pool", () => {
  withCgroups("has each worker in one before its first run, and removes them all", async () => {
    const room = await openRoom({ size: 3 });
    const folders = (await room.staff()).map((pid) => folderOf({ pid, startTicks: 0, bootId: "" }));
    expect(new Set(folders).size).toBe(3);
    for (const folder of folders) expect(folder).toMatch(/\/batchline\/w-\d+-\d+$/);
    const { out } = await room.run("cat /proc/self/cgroup");
    expect(folders.map((folder) => folder.split("/").at(-1))).toContain(/\/(w-.*)$/m.exec(out.toString())?.[1]);
    await room.pool.stop();
    expect(folders.map(existsSync)).toEqual([false, false, false]);
  });

  withCgroups("removes that of a worker that died, and sweeps at its start", async () => {
    const room = await openRoom({ size: 1 });
    const [pid = 0] = await room.staff();
    const folder = folderOf({ pid, startTicks: 0, bootId: "" });
    process.kill(pid, "SIGKILL");
    await until("its cgroup is gone", () => !existsSync(folder));
    mkdirSync(folder); // as if nobody had been there to remove it
    await room.addPool().start();
    expect(existsSync(folder)).toBe(false);
  });

  it("has none if told so", async () => {
    const room = await openRoom({ size: 1, cgroups: false });
    const own = readFileSync("/proc/self/cgroup", "utf8");
    expect((await room.run("cat /proc/self/cgroup")).out.toString()).toBe(own);
  });

  it("takes another worker.sh", async () => {
    const room = await openRoom();
    const script = join(room.folder, "worker.sh");
    writeFileSync(script, 'echo R 5.2; while read -r id; do echo "D $id 42 closed"; done');
    const pool = room.addPool({ size: 1, script });
    await pool.start();
    expect(await pool.run("1-1")).toEqual({ kind: "done", code: 42, open: false, clean: machineHasCgroups() });
  });
});
