// Processes that a script leaves behind: ended and counted when it has ended, whatever they did to get out of sight.
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { identify, isAlive, type ProcessIdentity } from "../../src/handlers/process/process-identity.js";
import { readStatus } from "../../src/handlers/process/run-folder.js";
import type { BatchConfigInput, ExecutionView } from "../../src/sdk/client.js";
import { machineHasCgroups } from "../handlers/process/run-room.js";
import { startApp, type TestApp } from "../support/app.js";
import { passOf, uploadChain } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

interface Left {
  app: TestApp;
  run: ExecutionView;
  left: ProcessIdentity;
  gate: Gate;
}

/** Does not end when it is told to: a child inherits what its parent ignores. */
const STUBBORN = `(trap "" TERM; exec sleep 600) >/dev/null 2>&1 &`;

/** Runs a script that leaves a process behind, says the pid of it at a gate, and waits there. */
async function leave(line: string, config: Partial<BatchConfigInput> = {}, end = "exit 0"): Promise<Left> {
  const app = await startApp();
  const gate = await Gate.make();
  await app.sdk.batches.create(await scriptZip(line, gate.pass("$!"), end), { ...config, name: "batch" });
  const run = await app.sdk.batches.run("batch");
  const left = identify(Number(await gate.arrival()));
  if (!left) throw new Error("The script has left nothing behind.");
  onTestFinished(() => {
    if (isAlive(left)) process.kill(left.pid, "SIGKILL");
  });
  return { app, run, left, gate };
}

it("is told to end when the script has ended, and counted", async () => {
  const { app, run, left, gate } = await leave("sleep 600 &", {}, "exit 3");
  gate.open();
  const row = await finalRow(app.sdk, run);
  expect(row).toMatchObject({ status: "failed", exitCode: 3, leftovers: 1, reason: { code: "exit_code" } });
  expect(isAlive(left)).toBe(false);
});

it("is killed if it does not, after the batch's grace time", async () => {
  const { app, run, left, gate } = await leave(STUBBORN, { killAfter: "300ms" });
  gate.open();
  const row = await finalRow(app.sdk, run);
  expect([row.status, (row.leftovers ?? 0) >= 1, isAlive(left)]).toEqual(["completed", true, false]);
});

it.skipIf(!machineHasCgroups())("is found though it left session, parent and environment of the script", async () => {
  const { app, run, left, gate } = await leave("env -i setsid sleep 600 </dev/null >/dev/null 2>&1 &");
  gate.open();
  expect(await finalRow(app.sdk, run)).toMatchObject({ status: "completed", leftovers: 1 });
  expect(isAlive(left)).toBe(false);
});

it("may stay if the config says so, and is not counted then", async () => {
  const { app, run, left, gate } = await leave("sleep 600 >/dev/null 2>&1 &", { leftovers: "keep" });
  gate.open();
  expect(await finalRow(app.sdk, run)).toMatchObject({ status: "completed", leftovers: null });
  expect(isAlive(left)).toBe(true);
});

it("may not stay after a cancellation, whatever the config says", async () => {
  const { app, run, left } = await leave(STUBBORN, { leftovers: "keep", killAfter: "300ms" });
  await app.sdk.executions.cancel(run.id);
  expect((await finalRow(app.sdk, run)).status).toBe("cancelled");
  expect(isAlive(left)).toBe(false);
});

it("of a script that ended while no service was there is ended by the next one", async () => {
  const { app, run, left, gate } = await leave("sleep 600 >/dev/null 2>&1 &");
  await app.stop();
  gate.open();
  const folder = path.join(app.config.dataDir, "runs", `${run.id}-1`);
  await expect.poll(() => readStatus(folder).state, PATIENCE).toBe("exit");
  expect(isAlive(left)).toBe(true);
  const { sdk } = await app.restart();
  expect(await finalRow(sdk, run)).toMatchObject({ status: "completed", leftovers: 1 });
  expect(isAlive(left)).toBe(false);
});

it("has gone before the next batch of the chain begins", async () => {
  const { sdk } = await startApp();
  await uploadChain(
    sdk,
    { name: "head", lines: ["sleep 600 >/dev/null 2>&1 &", "echo $!"] },
    // A process that has ended may wait to be collected, in the state Z.
    {
      name: "next",
      previousOutput: true,
      lines: ['read -r _ _ state _ <"/proc/$(<"$1")/stat"; [[ ! $state =~ [SR] ]]'],
    },
  );
  const rows = await passOf(sdk, await sdk.batches.run("head", { successors: true }));
  expect(rows).toMatchObject({ head: { status: "completed" }, next: { status: "completed" } });
});

it("a script that leaves nothing is recorded with none", async () => {
  const { sdk } = await startApp();
  await sdk.batches.create(await scriptZip("sleep 0.01 & wait"), { name: "batch" });
  expect((await finalRow(sdk, await sdk.batches.run("batch"))).leftovers).toBe(0);
});
