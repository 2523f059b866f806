// Neither the death nor the end of the service touches a running script, its log or the record of its end.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it, onTestFinished } from "vitest";

import { isAlive } from "../../../src/handlers/process/process-identity.js";
import { readStatus } from "../../../src/handlers/process/run-folder.js";
import { fixture, openRoom, until } from "./run-room.js";
import type { RunRoom } from "./run-room.js";

const SERVICE = fileURLToPath(new URL("./doomed-service.ts", import.meta.url));

function startService(room: RunRoom, runId: string, mode: "hang" | "stop"): ChildProcess {
  const service = spawn(process.execPath, ["--import", "tsx", SERVICE, room.runsFolder, runId, mode], {
    stdio: "ignore",
    detached: true,
  });
  onTestFinished(() => void service.kill("SIGKILL"));
  return service;
}

/** Lets the script go on, and checks that all that it still has to say and its end are recorded. */
async function finishesAlone(room: RunRoom, runId: string): Promise<void> {
  const { script, worker } = await room.started(runId);
  await room.printed(runId, "first\n");
  expect([isAlive(script), isAlive(worker)]).toEqual([true, true]);
  await writeFile(join(room.workFolder(runId), "go"), "");
  const status = await until("the script has ended", () => {
    const now = readStatus(room.runFolder(runId));
    return now.state === "exit" && now;
  });
  expect(status).toMatchObject({ code: 5, outTruncated: false, errTruncated: false });
  expect((await stat(join(room.runFolder(runId), "status"))).size).toBe(285);
  await until("worker and drains have left", async () => (await room.staff()).length === 0);
  expect((await room.log(runId, "out")).toString()).toBe("first\nsecond\n");
  expect((await room.log(runId, "err")).toString()).toBe("first error\nsecond error\n");
}

describe("without the service", () => {
  it.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)(
    "a script outlives a %s of it and its process group",
    async (signal) => {
      const room = await openRoom();
      await room.pool.stop();
      const runId = await room.prepare(await fixture("slow-lines"));
      const service = startService(room, runId, "hang");
      await room.started(runId);
      process.kill(-(service.pid ?? NaN), signal);
      await once(service, "exit");
      await finishesAlone(room, runId);
    },
  );

  it("a script outlives its orderly end, and a stopped pool does not hold that up", async () => {
    const room = await openRoom();
    await room.pool.stop();
    const runId = await room.prepare(await fixture("slow-lines"));
    const [code] = (await once(startService(room, runId, "stop"), "exit")) as [number | null];
    expect(code).toBe(0);
    await finishesAlone(room, runId);
  });
});
