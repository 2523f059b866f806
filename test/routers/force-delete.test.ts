// Deleting a batch that has something under way: refused, or by force, and then nothing of it is left but the ledger.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { Database } from "../../src/database/database.js";
import { Trigger } from "../../src/entities/trigger.js";
import { identify } from "../../src/handlers/process/process-identity.js";
import type { BatchConfigInput, ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { passOf, statuses, uploadChain } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { storedArtifacts } from "../support/uploads.js";

const remove = (app: TestApp, query = "") => app.request(`/api/v1/batches/batch${query}`, { method: "DELETE" });

/** Uploads a batch whose script says its pid at the gate and waits there. */
async function upload({ sdk }: TestApp, gate: Gate, config: Partial<BatchConfigInput> = {}, trap = "true") {
  await sdk.batches.create(await scriptZip(trap, gate.pass("$$")), { ...config, name: "batch" });
}

/** Holds that the service has no file, no folder and no trigger of any batch. */
async function expectNothingLeft(app: TestApp): Promise<void> {
  expect((await app.sdk.batches.list()).items).toEqual([]);
  await expect.poll(() => readdir(path.join(app.config.dataDir, "runs")), PATIENCE).toEqual([]);
  await expect.poll(() => storedArtifacts(app), PATIENCE).toEqual([]);
  await app.stop();
  const database = await Database.open(app.config.databaseUrl);
  expect(await database.read((manager) => manager.count(Trigger))).toBe(0);
  await database.close();
}

it("is refused while something of it runs, in words, and leaves it as it was", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  await upload(app, gate);
  const run = await app.sdk.batches.run("batch");
  await gate.arrival();
  for (const query of ["", "?force=0"]) {
    const problem = await problemOf(await remove(app, query));
    expect(problem).toMatchObject({ status: 409, code: "batch_running" });
    expect(problem.detail).toContain(`Execution ${run.id} `);
  }
  expect(await app.sdk.batches.get("batch")).toMatchObject({ enabled: true, status: "running" });
  gate.open();
  expect((await finalRow(app.sdk, run)).status).toBe("completed");
});

describe("by force", () => {
  it("ends what runs and what is queued, and leaves nothing but rows and logs", async () => {
    const app = await startApp();
    const gate = await Gate.make();
    await upload(app, gate, { cron: "0 * * * *", overlap: "queue" }, "echo begun");
    const [run, queued] = [await app.sdk.batches.run("batch"), await app.sdk.batches.run("batch")];
    const script = Number(await gate.arrival());
    const { id } = await app.sdk.batches.get("batch");
    const state = path.join(app.config.dataDir, "state", String(id));
    expect([identify(script) === null, existsSync(state), queued.status]).toEqual([false, true, "queued"]);
    expect((await remove(app, "?force=1")).status).toBe(204);
    expect(identify(script)).toBeNull();
    expect(await app.sdk.executions.get(run.id)).toMatchObject({
      status: "cancelled",
      signal: "SIGTERM",
      reason: { code: "deleted" },
    });
    expect(await app.sdk.executions.get(queued.id)).toMatchObject({ status: "cancelled", startedAt: null });
    expect(await app.sdk.executions.log(run.id)).toBe("begun\n");
    await expect.poll(() => existsSync(state), PATIENCE).toBe(false);
    await expectNothingLeft(app);
  });

  it("kills a script that does not end by itself, after its grace time", async () => {
    const app = await startApp();
    const gate = await Gate.make();
    await upload(app, gate, { killAfter: "300ms" }, "trap '' TERM; (trap '' TERM; sleep 600) &");
    const run = await app.sdk.batches.run("batch");
    const script = Number(await gate.arrival());
    await app.sdk.batches.remove("batch", { force: true });
    expect(identify(script)).toBeNull();
    expect(await app.sdk.executions.get(run.id)).toMatchObject({ status: "cancelled", signal: "SIGKILL" });
    await expectNothingLeft(app);
  });

  it("ends what waits for another batch or for another attempt, and for whoever waits for it that is an end", async () => {
    const app = await startApp();
    const { sdk } = app;
    const lines = await scriptZip("exit 1");
    await sdk.batches.create(lines, { name: "awaited" });
    await sdk.batches.create(lines, { name: "batch", retry: { attempts: 2 }, overlap: "allow" });
    await sdk.batches.create(lines, { name: "waiter", waitFor: ["batch"] });
    await sdk.batches.create(lines, { name: "waiting", waitFor: ["awaited"] });
    const run = await sdk.batches.run("batch");
    await expect.poll(async () => (await sdk.executions.get(run.id)).reason?.code, PATIENCE).toBe("retry");
    const [waiter, waiting] = [await sdk.batches.run("waiter"), await sdk.batches.run("waiting")];
    expect([waiter.status, waiting.status]).toEqual(["waiting", "waiting"]);
    await sdk.batches.remove("waiting", { force: true });
    await sdk.batches.remove("batch", { force: true });
    expect(await sdk.executions.get(waiting.id)).toMatchObject({ status: "cancelled", reason: { code: "deleted" } });
    expect(await sdk.executions.get(run.id)).toMatchObject({ status: "cancelled", attempts: [{ status: "failed" }] });
    expect(await finalRow(sdk, waiter)).toMatchObject({ status: "failed", exitCode: 1 });
  });

  it("decides the chain behind it, which is as enabled afterwards as before", async () => {
    const app = await startApp();
    const gate = await Gate.make();
    const lines = ["true"];
    await uploadChain(
      app.sdk,
      { name: "batch", lines: [gate.pass()] },
      { name: "next", lines },
      { name: "last", lines },
    );
    const run = await app.sdk.batches.run("batch", { successors: true });
    await gate.arrival();
    app.clock.advance({ seconds: 1 });
    await app.sdk.batches.remove("batch", { force: true });
    const rows = await passOf(app.sdk, run);
    expect(Object.keys(rows)).toEqual(expect.arrayContaining(["batch", "next", "last"]));
    expect([rows["batch"]?.status, rows["next"]?.startedAt]).toEqual(["cancelled", null]);
    expect(await app.sdk.batches.get("next")).toMatchObject({ enabled: true, predecessors: [] });
    expect((await finalRow(app.sdk, await app.sdk.batches.run("next"))).status).toBe("completed");
  });

  it("lets a chain that has not come to it yet pass it by", async () => {
    const app = await startApp();
    const gate = await Gate.make();
    const lines = ["true"];
    await uploadChain(
      app.sdk,
      { name: "head", lines: [gate.pass()] },
      { name: "batch", lines },
      { name: "last", independent: true, lines },
    );
    const run = await app.sdk.batches.run("head", { successors: true });
    await gate.arrival();
    await app.sdk.batches.remove("batch", { force: true });
    gate.open();
    expect(statuses(await passOf(app.sdk, run))).toEqual({ head: "completed", last: "completed" });
  });

  it("reaches what another service runs", async () => {
    const first = await startApp();
    const second = await first.another();
    const gate = await Gate.make();
    await upload(first, gate);
    const run = await first.sdk.batches.run("batch");
    await gate.arrival();
    expect((await remove(second, "?force=1")).status).toBe(204);
    expect((await first.sdk.executions.get(run.id)).status).toBe("cancelled");
  });

  it("of one that has nothing under way is a plain deletion, and of one that there is not is refused", async () => {
    const app = await startApp();
    await app.sdk.batches.create(await scriptZip("true"), { name: "batch" });
    const ran: ExecutionView = await app.sdk.batches.run("batch");
    await finalRows(app.sdk, "batch", 1);
    expect((await remove(app, "?force=1")).status).toBe(204);
    expect((await app.sdk.executions.get(ran.id)).status).toBe("completed");
    expect((await problemOf(await remove(app, "?force=1"))).status).toBe(404);
  });
});
