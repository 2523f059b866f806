// Whose runs a service takes up: those of owners that are gone, and after a reboot only what was recorded is believed.
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config.js";
import { Database } from "../../src/database/database.js";
import { Execution } from "../../src/entities/execution.js";
import { identify, readBootId } from "../../src/handlers/process/process-identity.js";
import { readStatus } from "../../src/handlers/process/run-folder.js";
import { newOwner } from "../../src/jobs/ownership.js";
import type { ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { passOf, statuses, uploadChain, type Member } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

const ticks = () => identify(process.pid)?.startTicks ?? 0;
const BEFORE_BOOT = "4711 42 00000000-1111-2222-3333-444444444444 abcd";

const statusOf = (config: Config, { id }: { id: number }) => readStatus(path.join(config.dataDir, "runs", `${id}-1`));

/** Starts a chain whose head waits at a gate, and stops the service. */
async function leaveRunning(config: Partial<Member> = {}): Promise<{ app: TestApp; run: ExecutionView; gate: Gate }> {
  const app = await startApp();
  const gate = await Gate.make();
  const next = { name: "next", lines: ["true"] };
  await uploadChain(app.sdk, { ...config, name: "head", lines: [gate.pass("$BATCHLINE_ATTEMPT"), "exit 7"] }, next);
  const run = await app.sdk.batches.run("head", { successors: true });
  await gate.arrival();
  await app.stop();
  return { app, run, gate };
}

/** Changes a row while no service is there. */
async function rewrite({ config }: TestApp, { id }: { id: number }, columns: Partial<Execution>): Promise<void> {
  const database = await Database.open(config.databaseUrl);
  await database.write(({ manager }) => manager.update(Execution, { id }, columns));
  await database.close();
}

describe("an execution that was claimed before the machine was started", () => {
  it("is lost if no end was recorded, whatever its files say, and the chain is decided", async () => {
    const { app, run } = await leaveRunning();
    expect(statusOf(app.config, run).state).toBe("running");
    await rewrite(app, run, { claimedBy: BEFORE_BOOT });
    const { sdk } = await app.restart();
    const rows = await passOf(sdk, run);
    expect(statuses(rows)).toEqual({ head: "lost", next: "aborted" });
    expect(rows["head"]).toMatchObject({ exitCode: null, signal: null, reason: { code: "rebooted" }, attempt: 1 });
  });

  it("is lost if it had not begun: after a power cut a missing file proves nothing", async () => {
    const app = await startApp();
    await app.sdk.batches.create(await scriptZip("true"), { name: "batch" });
    const run = await finalRow(app.sdk, await app.sdk.batches.run("batch"));
    await app.stop();
    await rewrite(app, run, { status: "running", finishedAt: null, exitCode: null, claimedBy: BEFORE_BOOT });
    await expect.poll(() => statusOf(app.config, run).state, PATIENCE).toBe("absent");
    const { sdk } = await app.restart();
    expect(await finalRow(sdk, run)).toMatchObject({ status: "lost", exitCode: null, reason: { code: "rebooted" } });
  });

  it("has the end that was recorded", async () => {
    const { app, run, gate } = await leaveRunning();
    gate.open();
    await expect.poll(() => statusOf(app.config, run).state, PATIENCE).toBe("exit");
    await rewrite(app, run, { claimedBy: BEFORE_BOOT });
    const { sdk } = await app.restart();
    expect(await finalRow(sdk, run)).toMatchObject({ status: "failed", exitCode: 7, reason: { code: "exit_code" } });
  });

  it("is tried again if its config asks for that", async () => {
    const { app, run, gate } = await leaveRunning({ retry: { attempts: 2, onLost: true } });
    await rewrite(app, run, { claimedBy: BEFORE_BOOT });
    const { sdk, clock } = await app.restart();
    await expect.poll(async () => (await sdk.executions.get(run.id)).status, PATIENCE).toBe("queued");
    clock.advance({ seconds: 10 });
    expect(await gate.arrival()).toBe("2");
    gate.open();
    const last = await finalRow(sdk, run);
    expect(last.attempts.map(({ status, reason }) => [status, reason?.code])).toEqual([
      ["lost", "rebooted"],
      ["failed", "exit_code"],
    ]);
  });
});

describe("an execution of another service process", () => {
  it.each([
    ["has let go of it", () => null],
    ["is gone", () => `4194304 42 ${readBootId()} abcd`],
    ["is gone, and its pid belongs to somebody else now", () => `${process.pid} ${ticks() - 1} ${readBootId()} abcd`],
    ["cannot be made out", () => "nobody"],
  ])("that %s is taken up, and gets its true end", async (_, owner) => {
    const { app, run, gate } = await leaveRunning();
    await rewrite(app, run, { claimedBy: owner() });
    const { sdk } = await app.restart();
    gate.open();
    expect(await finalRow(sdk, run)).toMatchObject({ status: "failed", exitCode: 7, attempt: 1 });
  });

  it("that lives is left alone", async () => {
    const { app, run, gate } = await leaveRunning({ overlap: "allow" });
    const second = await app.restart();
    const other = await second.sdk.batches.run("head");
    await gate.arrival();
    await second.stop();
    await rewrite(app, run, { claimedBy: newOwner() });
    gate.open(2);
    const { sdk } = await app.restart();
    await finalRow(sdk, other);
    expect(statusOf(app.config, run).state).toBe("exit");
    expect((await sdk.executions.get(run.id)).status).toBe("running");
  });
});
