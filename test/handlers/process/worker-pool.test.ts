// The pool hands runs out in order, replaces workers that die, and leaves when told to.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { isAlive } from "../../../src/handlers/process/process-identity.js";
import { signalRun } from "../../../src/handlers/process/process-tree.js";
import { readStatus } from "../../../src/handlers/process/run-folder.js";
import { baseEnv, fixture, openRoom, until } from "./run-room.js";
import type { RunRoom } from "./run-room.js";

const DONE = { kind: "done", code: 0, open: false };

/** Starts the script that waits for a file, and waits until it does. */
async function startWaiting(room: RunRoom) {
  const runId = await room.prepare(await fixture("slow-lines"));
  const answer = room.pool.run(runId);
  await room.printed(runId, "first\n");
  const release = (): Promise<void> => writeFile(join(room.workFolder(runId), "go"), "");
  return { runId, answer, release, ...(await room.started(runId)) };
}

async function onlyWorker(room: RunRoom): Promise<number> {
  return until("there is one worker", async () => {
    const [pid, ...others] = await room.staff();
    return others.length === 0 && pid;
  });
}

describe("worker pool", () => {
  it("runs as many at a time as it has workers, the rest in order", async () => {
    const room = await openRoom({ size: 2 });
    expect(room.pool.idle).toBe(2);
    const held = [await startWaiting(room), await startWaiting(room)];
    expect(room.pool.idle).toBe(0);
    const ended: number[] = [];
    const queued = await Promise.all([1, 2, 3, 4].map(() => room.prepare("true")));
    const rest = Promise.all(queued.map((runId, at) => room.pool.run(runId).then(() => ended.push(at))));
    for (const runId of queued) expect(readStatus(room.runFolder(runId))).toEqual({ state: "absent" });
    await held[0]?.release();
    await rest;
    expect(ended).toEqual([0, 1, 2, 3]);
    await held[1]?.release();
    expect(await held[1]?.answer).toMatchObject({ kind: "done", code: 5 });
    expect(room.pool.idle).toBe(2);
  });

  it("replaces a worker that was killed while idle", async () => {
    const warnings: string[] = [];
    const room = await openRoom({ size: 1, logger: { warn: (_, message) => void warnings.push(message) } });
    const first = await onlyWorker(room);
    process.kill(first, "SIGKILL");
    expect((await room.run("true")).answer).toMatchObject(DONE);
    expect(await onlyWorker(room)).not.toBe(first);
    expect(room.pool.idle).toBe(1);
    expect(warnings).toHaveLength(1);
  });

  it("sends a run again that a dying worker had not begun, before those that wait", async () => {
    const room = await openRoom({ size: 1 });
    const worker = await onlyWorker(room);
    process.kill(worker, "SIGSTOP");
    const runId = await room.prepare("echo once");
    const next = await room.prepare("true");
    const ended: string[] = [];
    const answer = room.pool.run(runId).finally(() => ended.push("sent before"));
    const waiting = room.pool.run(next).finally(() => ended.push("waiting"));
    process.kill(worker, "SIGKILL");
    expect(await answer).toMatchObject(DONE);
    await waiting;
    expect(ended).toEqual(["sent before", "waiting"]);
    expect((await room.log(runId, "out")).toString()).toBe("once\n");
  });

  it("says so when the worker died at the run, keeps the log whole, and goes on with another worker", async () => {
    const room = await openRoom({ size: 1 });
    const { runId, answer, release, script, worker } = await startWaiting(room);
    process.kill(worker.pid, "SIGKILL");
    expect(await answer).toEqual({ kind: "worker_gone" });
    expect(readStatus(room.runFolder(runId))).toEqual({ state: "running", worker, script });
    expect([isAlive(worker), isAlive(script)]).toEqual([false, true]);
    expect((await room.run("true")).answer).toMatchObject(DONE);
    await release();
    await room.printed(runId, "second\n");
    await signalRun(room.processes(runId), "SIGKILL");
  });

  it("gives up a run that every worker dies of before it has begun", async () => {
    const room = await openRoom();
    const bin = join(room.folder, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "bash"), "#!/bin/bash\necho R 5.2\nread -r id && echo $id >> asked\n", { mode: 0o755 });
    const pool = room.addPool({ size: 1, baseEnv: { PATH: bin } });
    await pool.start();
    expect(await pool.run("9-1")).toEqual({ kind: "worker_gone" });
    expect(await readFile(join(room.runsFolder, "asked"), "utf8")).toBe("9-1\n9-1\n9-1\n");
  });

  it("replaces a worker after so many runs", async () => {
    const room = await openRoom({ size: 1, recycleAfter: 3 });
    const parents: string[] = [];
    for (let run = 0; run < 7; run++) parents.push((await room.run("echo $PPID")).out.toString());
    const [a, , , b, , , c] = parents;
    expect(parents).toEqual([a, a, a, b, b, b, c]);
    expect(new Set(parents).size).toBe(3);
  });

  it("survives signals at an idle worker", async () => {
    const room = await openRoom({ size: 1 });
    const worker = await onlyWorker(room);
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.kill(worker, signal);
    expect((await room.run("echo $PPID")).out.toString()).toBe(`${worker}\n`);
  });

  it.each([
    ["is too old", { ...baseEnv, BASH_COMPAT: "5.0" }, /needs bash 5\.1 or newer, but the one found is \d/],
    ["is not there", { PATH: "/nowhere" }, /needs bash 5\.1 or newer, but none that works was found/],
  ])("refuses to start when bash %s", async (_, env, sentence) => {
    const room = await openRoom();
    const pool = room.addPool({ size: 2, baseEnv: env });
    const refusal = await pool.start().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "unavailable", reason: "bash_too_old" });
    expect((refusal as Error).message).toMatch(sentence);
  });

  it.each(["../1", "a/b", "", ".", "a\nb", "a b"])("refuses the run id %j", async (runId) => {
    const room = await openRoom();
    await expect(room.pool.run(runId)).rejects.toMatchObject({ code: "invalid" });
  });

  it("once stopped takes no run, refuses those that wait, and lets the one in hand finish", async () => {
    const room = await openRoom({ size: 1 });
    const busy = await startWaiting(room);
    const waiting = room.pool.run(await room.prepare("true"));
    const refused = expect(waiting).rejects.toMatchObject({ code: "unavailable" });
    await room.pool.stop();
    await refused;
    expect(room.pool.idle).toBe(0);
    await expect(room.pool.run(await room.prepare("true"))).rejects.toMatchObject({ code: "unavailable" });
    await busy.release();
    expect(await busy.answer).toMatchObject({ kind: "done", code: 5, open: false });
    expect(room.pool.idle).toBe(0);
    await until("the worker has left", () => !isAlive(busy.worker));
  });

  it("has sent all idle workers home when stop returns", async () => {
    const room = await openRoom({ size: 4 });
    expect(await room.staff()).toHaveLength(4);
    await room.pool.stop();
    expect(await room.staff()).toEqual([]);
  });

  it("keeps code and bytes of hundreds of runs apart, four at a time", async () => {
    const room = await openRoom({ size: 4 });
    const script = `
      printf "$1"; head -c "$2" /dev/zero | tr '\\0' "$4"; printf "$1" >&2; [[ $3 == 0 ]] || sleep "$3"; exit "$5"`;
    const shapes = Array.from({ length: 300 }, (_, at) => ({
      text: `run ${at}\n`,
      size: at % 10 === 0 ? 5000 + at * 31 : at % 7,
      wait: at % 25 === 0 ? "0.07" : "0",
      letter: String.fromCharCode(97 + (at % 26)),
      code: (at * 37) % 256,
    }));
    await Promise.all(
      shapes.map(async ({ text, size, wait, letter, code }) => {
        const outcome = await room.run(script, { args: [text, String(size), wait, letter, String(code)] });
        expect(outcome.answer).toMatchObject({ kind: "done", code, open: false });
        expect(outcome.out.toString()).toBe(text + letter.repeat(size));
        expect(outcome.err.toString()).toBe(text);
        expect(outcome.status).toMatchObject({ state: "exit", code });
      }),
    );
  });
});
