// A process is recognised by pid, start and boot together.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";

import { describe, expect, it } from "vitest";

import { identify, isAlive, parseStat, readBootId } from "../../../src/handlers/process/process-identity.js";
import { until } from "./run-room.js";

const FIELDS = "S 7 12 3 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 2 3";

describe("parseStat", () => {
  it.each(["bash", "a b", "a) Z 1 1 (b", ") R 1 1", "new\nline", ""])("reads past a program named %j", (name) => {
    expect(parseStat(`42 (${name}) ${FIELDS}\n`)).toEqual({
      pid: 42,
      state: "S",
      parent: 7,
      group: 12,
      startTicks: 987654,
    });
  });

  it.each(["", "42", "42 (bash", "42 (bash)", "42 (bash) S 7", `x (bash) ${FIELDS}`])("refuses %j", (text) => {
    expect(parseStat(text)).toBeNull();
  });
});

describe("isAlive", () => {
  it("knows this process, and nobody with another start or boot", () => {
    const me = identify(process.pid);
    if (!me) throw new Error("this process was not found");
    expect(isAlive(me)).toBe(true);
    expect(isAlive({ ...me, startTicks: me.startTicks + 1 })).toBe(false);
    expect(isAlive({ ...me, bootId: "00000000-0000-0000-0000-000000000000" })).toBe(false);
    expect(identify(0x7fffffff)).toBeNull();
  });

  it("takes a process that has ended for dead, also before its parent has collected it", async () => {
    // A parent that never collects: bash has become `sleep`. Its child ends when its input does.
    const parent = spawn("bash", ["-c", "exec 3<&0; (read -r -u 3) & echo $!; exec sleep 600"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    try {
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const zombie = Number(line);
      await until(
        "the parent sleeps",
        async () => (await readFile(`/proc/${parent.pid ?? 0}/comm`, "utf8")) === "sleep\n",
      );
      expect(identify(zombie)).not.toBeNull();
      parent.stdin.end();
      const { startTicks } = await until("its child has ended", async () => {
        const stat = parseStat(await readFile(`/proc/${zombie}/stat`, "utf8"));
        return stat?.state === "Z" && stat;
      });
      expect(isAlive({ pid: zombie, startTicks, bootId: readBootId() })).toBe(false);
    } finally {
      parent.kill("SIGKILL");
      await once(parent, "exit");
    }
  });
});
