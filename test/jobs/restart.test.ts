// The service stops, is killed or starts again: scripts go on, and every row gets its true end.
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config.js";
import { Database } from "../../src/database/database.js";
import type { Work } from "../../src/database/transaction.js";
import { Execution } from "../../src/entities/execution.js";
import { readStatus } from "../../src/handlers/process/run-folder.js";
import type { BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { passOf, statuses, uploadChain, type Member } from "../support/chains.js";
import { FakeClock } from "../support/fake-clock.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";
import { startServiceProcess } from "../support/service-process.js";

const runFolder = (config: Config, { id }: { id: number }) => path.join(config.dataDir, "runs", `${id}-1`);

/** Waits until the end of the run is on record, whoever recorded it. */
async function hasEnded(config: Config, execution: { id: number }): Promise<void> {
  await expect.poll(() => readStatus(runFolder(config, execution)).state, PATIENCE).toBe("exit");
}

/** The worker and the script of a run under way. */
function processesOf(config: Config, execution: { id: number }): { worker: number; script: number } {
  const status = readStatus(runFolder(config, execution));
  if (status.state !== "running" || !status.script) throw new Error(`The run is ${status.state}.`);
  return { worker: status.worker.pid, script: status.script.pid };
}

/** A chain whose head prints a line, waits at the gate, prints another on each stream and exits 3. */
function chainOf(gate: Gate): Member[] {
  const lines = ["true"];
  return [
    { name: "head", lines: ["echo before", gate.pass(), "echo after", "echo problem >&2", "exit 3"] },
    { name: "next", lines },
    { name: "rescue", after: ["head"], runOn: "failure", previousOutput: true, lines: ['cat "$1"'] },
  ];
}

/** What must have become of that chain, whoever was there to see it. */
async function expectTrueEnd(sdk: BatchlineClient, run: ExecutionView): Promise<void> {
  const rows = await passOf(sdk, run);
  expect(statuses(rows)).toEqual({ head: "failed", next: "aborted", rescue: "completed" });
  expect(rows["head"]).toMatchObject({ id: run.id, exitCode: 3, attempt: 1, reason: { code: "exit_code" } });
  expect(await sdk.executions.log(run.id)).toBe("before\nafter\n");
  expect(await sdk.executions.errorLog(run.id)).toBe("problem\n");
  expect(await sdk.executions.log(rows["rescue"]?.id ?? 0)).toBe("before\nafter\n");
}

describe("a script that runs while the service stops", () => {
  it("goes on, and the next service sees it to its end: exit code, logs and successors", async () => {
    const first = await startApp();
    const gate = await Gate.make();
    await uploadChain(first.sdk, ...chainOf(gate));
    const run = await first.sdk.batches.run("head", { successors: true });
    await gate.arrival();
    const { sdk } = await first.restart();
    expect(await sdk.executions.get(run.id)).toMatchObject({ status: "running", attempt: 1 });
    gate.open();
    await expectTrueEnd(sdk, run);
    expect((await sdk.executions.get(run.id)).log).toEqual({ bytes: 13, truncated: false });
  });

  it("may end before the next one starts, without a byte or its exit code being lost", async () => {
    const first = await startApp();
    const gate = await Gate.make();
    await uploadChain(first.sdk, ...chainOf(gate));
    const run = await first.sdk.batches.run("head", { successors: true });
    await gate.arrival();
    await first.stop();
    gate.open();
    await hasEnded(first.config, run);
    await expectTrueEnd((await first.restart()).sdk, run);
  });
});

describe("a script that runs while the service is killed", () => {
  it("goes on, and the next service sees it to its end", { timeout: 60_000 }, async () => {
    const first = await startApp({}, new FakeClock(Date.now()));
    await first.stop();
    const { config } = first;
    const killed = await startServiceProcess(config);
    const [gate, early] = [await Gate.make(), await Gate.make()];
    await uploadChain(killed.sdk, ...chainOf(gate));
    await killed.sdk.batches.create(await scriptZip(early.pass(), "echo done; exit 5"), { name: "early" });
    const run = await killed.sdk.batches.run("head", { successors: true });
    const ended = await killed.sdk.batches.run("early");
    await Promise.all([gate.arrival(), early.arrival()]);
    await killed.kill("SIGKILL");
    early.open();
    await hasEnded(config, ended);
    const { sdk } = await first.restart();
    gate.open();
    await expectTrueEnd(sdk, run);
    expect(await finalRow(sdk, ended)).toMatchObject({ status: "failed", exitCode: 5, log: { bytes: 5 } });
  });
});

it("runs after a restart what was queued before it, in order", async () => {
  const first = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await first.sdk.batches.create(await scriptZip(gate.pass("$1")), { name: "batch", overlap: "queue" });
  for (const word of ["one", "two", "three"]) await first.sdk.batches.run("batch", { args: [word] });
  expect(await gate.arrival()).toBe("one");
  const { sdk } = await first.restart();
  gate.open(3);
  expect([await gate.arrival(), await gate.arrival()]).toEqual(["two", "three"]);
  expect((await finalRows(sdk, "batch", 3)).map(({ status }) => status)).toEqual(Array(3).fill("completed"));
});

it("starts a claimed execution whose run never began, and starts it once", async () => {
  const first = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await first.sdk.batches.create(await scriptZip(gate.pass("$1")), { name: "batch", overlap: "queue" });
  await first.sdk.batches.run("batch", { args: ["one"] });
  await gate.arrival();
  const { id } = await first.sdk.batches.run("batch", { args: ["two"] });
  await first.stop();
  const claim = { status: "running" as const, attempt: 1, startedAt: first.clock.now(), claimedBy: null };
  await inDatabase(first.config, ({ manager }) => manager.update(Execution, { id }, claim));
  const { sdk } = await first.restart();
  gate.open(3);
  expect(await gate.arrival()).toBe("two");
  await sdk.batches.run("batch", { args: ["three"] });
  expect(await gate.arrival()).toBe("three");
  const [, two] = await finalRows(sdk, "batch", 3);
  expect(two).toMatchObject({ id, status: "completed", attempt: 1, exitCode: 0 });
});

/** Does something to the database while no service has it open. */
async function inDatabase(config: Config, work: Work<unknown>): Promise<void> {
  const database = await Database.open(config.databaseUrl);
  await database.write(work);
  await database.close();
}

it("sweeps the run folders of ended executions, and none of a running one", async () => {
  const first = await startApp();
  const gate = await Gate.make();
  await first.sdk.batches.create(await scriptZip(gate.pass()), { name: "batch", overlap: "allow" });
  const [ended, running] = [await first.sdk.batches.run("batch"), await first.sdk.batches.run("batch")];
  await Promise.all([gate.arrival(), gate.arrival()]);
  await first.sdk.executions.cancel(ended.id);
  await finalRow(first.sdk, ended);
  await first.stop();
  for (const left of [ended, { id: 4711 }]) {
    await mkdir(path.join(runFolder(first.config, left), "work"), { recursive: true });
    await writeFile(path.join(runFolder(first.config, left), "work", "script.sh"), "");
  }
  const { sdk, config } = await first.restart();
  const there = () => [ended, { id: 4711 }, running].map((one) => existsSync(runFolder(config, one)));
  await expect.poll(there, PATIENCE).toEqual([false, false, true]);
  gate.open();
  expect((await finalRow(sdk, running)).status).toBe("completed");
});

describe("an end that nobody saw", () => {
  const lines = ["true"];

  it.each(["while the service runs", "while there is none"])("is `lost`, never guessed: %s", async (when) => {
    const first = await startApp();
    const gate = await Gate.make();
    await uploadChain(first.sdk, { name: "head", lines: ["echo before", gate.pass()] }, { name: "next", lines });
    const run = await first.sdk.batches.run("head", { successors: true });
    await gate.arrival();
    const { worker, script } = processesOf(first.config, run);
    if (when === "while there is none") await first.stop();
    for (const pid of [worker, script]) process.kill(pid, "SIGKILL");
    const { sdk } = when === "while there is none" ? await first.restart() : first;
    const rows = await passOf(sdk, run);
    expect(rows["head"]).toMatchObject({
      status: "lost",
      exitCode: null,
      signal: null,
      reason: { code: "worker_lost" },
    });
    expect(rows["next"]).toMatchObject({ status: "aborted", reason: { code: "predecessor_lost" } });
    expect((await sdk.batches.get("head")).status).toBe("idle");
  });

  it("leaves room for the next run: the worker is replaced", async () => {
    const { sdk, config } = await startApp({ CONCURRENCY: "1" });
    const gate = await Gate.make();
    await sdk.batches.create(await scriptZip("[[ $1 == wait ]] || exit 0", gate.pass()), { name: "batch" });
    const run = await sdk.batches.run("batch", { args: ["wait"] });
    await gate.arrival();
    const { worker, script } = processesOf(config, run);
    for (const pid of [worker, script]) process.kill(pid, "SIGKILL");
    expect((await finalRow(sdk, run)).status).toBe("lost");
    expect((await finalRow(sdk, await sdk.batches.run("batch"))).status).toBe("completed");
  });

  it("is waited for while the script lives, though its worker is gone", async () => {
    const { sdk, config } = await startApp();
    const gate = await Gate.make();
    await sdk.batches.create(await scriptZip("echo one", gate.pass(), "echo two", gate.pass(), "echo three"), {
      name: "batch",
    });
    const run = await sdk.batches.run("batch");
    // The second line comes by the drain, which outlives the worker; the first few milliseconds are the worker's own.
    await expect.poll(() => sdk.executions.log(run.id).catch(() => ""), PATIENCE).toBe("one\n");
    gate.open();
    await expect.poll(() => sdk.executions.log(run.id), PATIENCE).toBe("one\ntwo\n");
    process.kill(processesOf(config, run).worker, "SIGKILL");
    gate.open();
    expect((await finalRow(sdk, run)).status).toBe("lost");
    expect(await sdk.executions.log(run.id)).toBe("one\ntwo\nthree\n");
  });
});

describe("what was to end a script", () => {
  it("is remembered: a timeout counts from the start of the run, through a restart", async () => {
    const first = await startApp();
    const gate = await Gate.make();
    await first.sdk.batches.create(await scriptZip(gate.pass()), { name: "batch", timeout: "1h" });
    const run = await first.sdk.batches.run("batch");
    await gate.arrival();
    await first.stop();
    first.clock.advance({ minutes: 61 });
    const { sdk } = await first.restart();
    expect(await finalRow(sdk, run)).toMatchObject({ status: "timed_out", signal: "SIGTERM" });
  });

  it("goes on: a cancelled script that ignores TERM is killed by the next service", async () => {
    const first = await startApp();
    const gate = await Gate.make();
    const zip = await scriptZip("trap '' TERM", `while :; do ${gate.pass()}; done`);
    await first.sdk.batches.create(zip, { name: "batch", killAfter: "500ms" });
    const run = await first.sdk.batches.run("batch");
    await gate.arrival();
    await first.sdk.executions.cancel(run.id);
    const { sdk } = await first.restart();
    expect(await finalRow(sdk, run)).toMatchObject({ status: "cancelled", signal: "SIGKILL" });
  });
});
