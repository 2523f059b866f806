// Processes of ended runs that nobody saw being left behind: found by what marks them, ended, and counted.
import { spawn } from "node:child_process";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Database } from "../../src/database/database.js";
import { identify } from "../../src/handlers/process/process-identity.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

/** A process that looks as if a run of this execution had left it behind, somewhere where no cgroup tells of it. */
function stray({ config }: TestApp, execution: { id: number }): number {
  const result = path.join(config.dataDir, "runs", `${execution.id}-1`, "result");
  const child = spawn("sleep", ["60"], { env: { ...process.env, BATCHLINE_RESULT: result }, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child.pid ?? 0;
}

it("are ended by the next service, and only those of runs that are over and may leave nothing", async () => {
  const first = await startApp();
  const gate = await Gate.make();
  await first.sdk.batches.create(await scriptZip("true"), { name: "ends" });
  await first.sdk.batches.create(await scriptZip("true"), { name: "keeps", leftovers: "keep" });
  await first.sdk.batches.create(await scriptZip(gate.pass()), { name: "runs" });
  const ended = await finalRow(first.sdk, await first.sdk.batches.run("ends"));
  const keeping = await finalRow(first.sdk, await first.sdk.batches.run("keeps"));
  const running = await first.sdk.batches.run("runs");
  await gate.arrival();
  const [gone, kept, needed] = [stray(first, ended), stray(first, keeping), stray(first, running)];
  await first.stop();
  // In a test both services are one process, which lives on: the first must not count as the one that looks after them.
  const database = await Database.open(first.config.databaseUrl);
  await database.write(({ manager }) => manager.query("UPDATE executions SET claimedBy = NULL"));
  await database.close();
  const { sdk } = await first.restart();
  await expect.poll(() => identify(gone), PATIENCE).toBeNull();
  await expect.poll(async () => (await sdk.executions.get(ended.id)).leftovers, PATIENCE).toBe(1);
  expect([identify(kept), identify(needed)]).toEqual([expect.anything(), expect.anything()]);
  expect(await sdk.executions.get(ended.id)).toMatchObject({ status: "completed", finishedAt: ended.finishedAt });
  gate.open();
});
