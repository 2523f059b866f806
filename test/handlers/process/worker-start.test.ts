// A script starts exactly as asked: arguments, environment, limits, fresh signals, and never twice.
import { execFileSync } from "node:child_process";
import { readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { readStatus } from "../../../src/handlers/process/run-folder.js";
import { baseEnv, fixture, openRoom } from "./run-room.js";

const AWKWARD = [
  "",
  " ",
  "two words",
  "a\nb\n",
  `'single' "double" \`back\``,
  "$HOME $(id) \\",
  "*",
  "-n",
  "é\u0001\u007f",
  "a=b",
];

function entries(block: Buffer): Map<string, string> {
  const lines = block.toString().split("\0").slice(0, -1);
  return new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

describe("start", () => {
  it.each([
    ["hello", 0, "hello\n", ""],
    ["fails", 3, "about to fail\n", "the cupboard is bare\n"],
  ])("runs %s and reports its exit code", async (behaviour, code, out, err) => {
    const room = await openRoom({ size: 1 });
    const before = Date.now();
    const outcome = await room.run(await fixture(behaviour));
    expect(outcome.answer).toMatchObject({ kind: "done", code, open: false });
    expect([outcome.out.toString(), outcome.err.toString()]).toEqual([out, err]);
    expect(outcome.status).toMatchObject({ state: "exit", code });
    const { endedAt } = outcome.status as { endedAt: number };
    expect(endedAt).toBeGreaterThanOrEqual(before);
    expect(endedAt).toBeLessThanOrEqual(Date.now());
  });

  it.each([
    ["exit 255", 255],
    ["kill -KILL $$", 137],
    ["kill -TERM $$", 143],
    ["sleep 0.1; kill -KILL $$", 137],
    // Signals at the worker are not the script's end, and code 130 is then not taken for an interrupted wait.
    ["sleep 0.08; kill -TERM $PPID; kill -HUP $PPID; kill -INT $PPID; sleep 0.08; exit 130", 130],
    ["kill -TERM $PPID; exit 143", 143],
    ["(sleep 0.15; kill -CONT $$) & kill -STOP $$; exit 4", 4],
  ])("reports the code of `%s`", async (script, code) => {
    const room = await openRoom({ size: 1 });
    expect((await room.run(script)).status).toMatchObject({ state: "exit", code });
    expect((await room.run("exit 1")).answer).toMatchObject({ code: 1 });
  });

  it("still knows who the script was when it has ended", async () => {
    const room = await openRoom({ size: 1 });
    const runId = await room.prepare(await fixture("slow-lines"));
    const answer = room.pool.run(runId);
    const { script, worker } = await room.started(runId);
    await writeFile(join(room.workFolder(runId), "go"), "");
    await answer;
    expect(readStatus(room.runFolder(runId))).toMatchObject({ state: "exit", code: 5, script, worker });
    expect((await stat(join(room.runFolder(runId), "status"))).size).toBe(285);
  });

  it("passes each argument as exactly one", async () => {
    const room = await openRoom();
    const { out } = await room.run(`printf '%s\\0' "$@"`, { args: AWKWARD });
    expect(out.toString().split("\0").slice(0, -1)).toEqual(AWKWARD);
  });

  it("passes every environment value exactly", async () => {
    const room = await openRoom();
    const env = Object.fromEntries(AWKWARD.map((value, index) => [`VALUE_${index}`, value]));
    expect(Object.fromEntries(entries((await room.run("env -0", { env })).out))).toMatchObject(env);
  });

  it("takes any name in the environment, those of its own variables and of bash's too", async () => {
    const worker = await readFile(new URL("../../../src/handlers/process/worker.sh", import.meta.url), "utf8");
    const own = new Set(worker.match(/\b[a-z][a-z_]*\b/g));
    const special = ["UID", "PPID", "RANDOM", "SECONDS", "_", "PWD", "OLDPWD", "SHLVL", "IFS", "SHELLOPTS", "BASH_ENV"];
    const odd = [
      "R",
      "n",
      "d",
      "i",
      "a.b",
      "-u",
      "npm_config-x",
      "path",
      "1",
      "é",
      "POSIXLY_CORRECT",
      "LC_ALL",
      "GROUPS",
    ];
    const names = [...own, ...special, ...odd];
    expect(names.length).toBeGreaterThan(100);
    const env = Object.fromEntries(names.map((name, index) => [name, `value ${index}`]));
    const room = await openRoom();
    for (const part of [env, Object.fromEntries([...own, "IFS", "R"].map((name) => [name, "plain"]))]) {
      const { answer, out, err } = await room.run("", { env: part, command: ["env", "-0"] });
      expect(answer).toMatchObject({ code: 0 });
      expect(err.toString()).toBe("");
      const got = entries(out);
      for (const [name, value] of Object.entries(part)) expect([name, got.get(name)]).toEqual([name, value]);
    }
  });

  it("gives nothing but the base environment, without locale, and its own", async () => {
    const room = await openRoom({ baseEnv: { ...baseEnv, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" } });
    const { out } = await room.run("env -0", { env: { LC_TIME: "C" } });
    const names = [...entries(out).keys()].sort();
    expect(names).toEqual(["BATCHLINE_RUN", "HOME", "LC_TIME", "PATH", "PWD", "SHLVL", "_"]);
  });

  it("gives an empty stdin, the work folder, a group of its own, and more weight when memory is short", async () => {
    const room = await openRoom();
    const runId = await room.prepare(`
      cat
      pwd
      read -ra stat <"/proc/$$/stat"
      echo "$$ \${stat[4]}" $(cat /proc/self/oom_score_adj)`);
    const [folder, line] = (await room.finish(runId)).out.toString().split("\n");
    expect(folder).toBe(room.workFolder(runId));
    expect(line).toMatch(/^(\d+) \1 200$/);
  });

  it("gives no signal ignored and no file descriptor but three", async () => {
    const room = await openRoom();
    const { out } = await room.run("", { command: ["cat", "/proc/self/status"] });
    expect(out.toString()).toMatch(/SigBlk:\s+0+\nSigIgn:\s+0+\n/);
    const open = await room.run("", { command: ["ls", "/proc/self/fd"] });
    expect(open.out.toString()).toBe(execFileSync("ls", ["/proc/self/fd"], { encoding: "utf8" }));
  });

  it("rests while a script is stopped", async () => {
    const room = await openRoom({ size: 1 });
    const { out, status } = await room.run(`
      busy() { read -ra stat <"/proc/$PPID/stat"; ticks=$((stat[13] + stat[14])); }
      (sleep 0.1; busy; before=$ticks; sleep 0.4; busy; echo $((ticks - before)); kill -CONT $$) &
      kill -STOP $$
      exit 4`);
    expect(status).toMatchObject({ code: 4 });
    expect(Number(out.toString())).toBeLessThan(10); // of 40 ticks
  });

  it("sets limits", async () => {
    const room = await openRoom();
    const { out } = await room.run("ulimit -n; ulimit -v", { limits: "-n 64 -v 2000000" });
    expect(out.toString()).toBe("64\n2000000\n");
    expect((await room.run("ulimit -n")).out.toString()).not.toBe("64\n");
  });

  it("never starts a run twice", async () => {
    const room = await openRoom();
    const runId = await room.prepare("echo once");
    expect((await room.finish(runId)).answer).toMatchObject({ kind: "done" });
    expect((await room.finish(runId)).answer).toEqual({ kind: "fenced" });
    expect((await room.log(runId, "out")).toString()).toBe("once\n");
  });

  it("lets exactly one of two services start a run", async () => {
    const room = await openRoom();
    const other = room.addPool();
    await other.start();
    for (let round = 0; round < 40; round++) {
      const runId = await room.prepare("echo once");
      const answers = await Promise.all([room.pool.run(runId), other.run(runId)]);
      expect(answers.map(({ kind }) => kind).sort()).toEqual(["done", "fenced"]);
      expect((await room.log(runId, "out")).toString()).toBe("once\n");
    }
  });

  it("is ready for the next run after any failure", async () => {
    const room = await openRoom({ size: 1 });
    const code = async (changes: object): Promise<unknown> => (await room.run("true", changes)).answer;
    expect(await code({ workFolder: "/nowhere" })).toMatchObject({ kind: "done", code: 126 });
    expect(await code({ command: ["no-such-program"] })).toMatchObject({ kind: "done", code: 127 });
    expect(await code({ command: ["bash", "no-such-script.sh"] })).toMatchObject({ kind: "done", code: 127 });
    expect(await code({ limits: "-n none" })).toMatchObject({ kind: "done", code: 126 });
    expect(await code({ args: ["x".repeat(140_000)] })).toMatchObject({ kind: "done", code: 126 });
    expect(await room.pool.run("no-such-run")).toEqual({ kind: "no_space" });

    for (const garbage of ["", "x", "/\0/a\0/b\0\0" + "1\0A=1\0", "/\0/a\0/b\0\0a[$(touch here)]\0true\0"]) {
      const runId = await room.prepare("true");
      await writeFile(join(room.runFolder(runId), "req"), garbage);
      expect(await room.finish(runId)).toMatchObject({ answer: { kind: "no_space" }, status: { state: "absent" } });
    }
    expect((await room.run("echo fine")).out.toString()).toBe("fine\n");
  });

  it("starts nothing when the disk has no room for the status, and can be asked again", async () => {
    const room = await openRoom({ size: 1 });
    const runId = await room.prepare("echo started");
    await symlink("/dev/full", join(room.runFolder(runId), "status"));
    expect((await room.finish(runId)).answer).toEqual({ kind: "no_space" });
    expect((await room.finish(runId)).answer).toMatchObject({ kind: "done", code: 0, open: false });
    await rm(room.logFile(runId, "out"));
  });
});
