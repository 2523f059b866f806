// How a script's end becomes the end of its execution: status, reason, exit code, signal and logs.
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { identify } from "../../src/handlers/process/process-identity.js";
import type { BatchConfigInput, BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

/** Uploads a batch with this script. */
async function upload(sdk: BatchlineClient, config: BatchConfigInput, ...lines: string[]): Promise<void> {
  await sdk.batches.create(await scriptZip(...lines), config);
}

async function runToEnd(sdk: BatchlineClient, name: string, args: string[] = []): Promise<ExecutionView> {
  return finalRow(sdk, await sdk.batches.run(name, { args }));
}

/** Whether every process whose pid the log names has ended, soon if not now. */
async function allGone(sdk: BatchlineClient, { id }: ExecutionView, count: number): Promise<void> {
  const pids = (await sdk.executions.log(id)).trim().split("\n").map(Number);
  expect(pids).toHaveLength(count);
  await expect.poll(() => pids.filter((pid) => identify(pid) !== null), PATIENCE).toEqual([]);
}

it("makes exit code 0 completed and any other failed, with the code in the row and in words", async () => {
  const { sdk } = await startApp();
  await upload(sdk, { name: "exits" }, `exit "$1"`);
  expect(await runToEnd(sdk, "exits", ["0"])).toMatchObject({ status: "completed", exitCode: 0, reason: null });
  for (const code of [1, 42, 127, 255]) {
    const text = `The script ended with exit code ${code}.`;
    const reason = { code: "exit_code", text };
    const row = await runToEnd(sdk, "exits", [String(code)]);
    expect(row).toMatchObject({ status: "failed", exitCode: code, signal: null, reason });
  }
});

it("tells that a script was most likely ended by a signal, and claims none as its own doing", async () => {
  const { sdk } = await startApp();
  await upload(sdk, { name: "dies" }, `kill -"$1" $$`);
  const row = await runToEnd(sdk, "dies", ["KILL"]);
  expect(row).toMatchObject({ status: "failed", exitCode: 137, signal: null });
  expect(row.reason?.text).toContain("SIGKILL");
  expect((await runToEnd(sdk, "dies", ["TERM"])).reason?.text).toContain("SIGTERM");
});

it("keeps the error log of a failed run even if it is empty, of a completed one only if it is not", async () => {
  const app = await startApp();
  const { sdk } = app;
  await upload(sdk, { name: "talks" }, `[[ -z $1 ]] || echo "$1" >&2`, `exit "$2"`);
  const silentFailure = await runToEnd(sdk, "talks", ["", "3"]);
  expect(silentFailure.errorLog).toEqual({ bytes: 0, truncated: false });
  expect(await sdk.executions.errorLog(silentFailure.id)).toBe("");
  const loudFailure = await runToEnd(sdk, "talks", ["oh", "3"]);
  expect(loudFailure.errorLog).toEqual({ bytes: 3, truncated: false });
  const loudSuccess = await runToEnd(sdk, "talks", ["hm", "0"]);
  expect(await sdk.executions.errorLog(loudSuccess.id)).toBe("hm\n");
  const silentSuccess = await runToEnd(sdk, "talks", ["", "0"]);
  expect([silentSuccess.errorLog, silentSuccess.links.errorLog]).toEqual([null, null]);
  const answer = await app.request(`/api/v1/executions/${silentSuccess.id}/error-log`);
  expect([answer.status, await answer.json()]).toMatchObject([404, { code: "no_error_log" }]);
});

it("sends TERM at the timeout, and keeps what the script then says and its own exit code", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await upload(sdk, { name: "polite", timeout: "600ms" }, "trap 'echo tidied; exit 42' TERM", gate.pass());
  const row = await runToEnd(sdk, "polite");
  expect(row).toMatchObject({ status: "timed_out", exitCode: 42, signal: null, reason: { code: "timeout" } });
  expect(row.reason?.text).toContain("600ms");
  expect(await sdk.executions.log(row.id)).toBe("tidied\n");
  expect(row.errorLog).toEqual({ bytes: 0, truncated: false });
});

it("names the signal where a script let itself be ended by it", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await upload(sdk, { name: "plain", timeout: "500ms" }, gate.pass());
  expect(await runToEnd(sdk, "plain")).toMatchObject({ status: "timed_out", exitCode: null, signal: "SIGTERM" });
});

it("sends KILL so long after TERM to a script that ignores it", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  const config = { name: "stubborn", timeout: "600ms", killAfter: "200ms" };
  await upload(sdk, config, "trap 'echo heard' TERM", `while :; do ${gate.pass()}; done`);
  const row = await runToEnd(sdk, "stubborn");
  expect(row).toMatchObject({ status: "timed_out", exitCode: null, signal: "SIGKILL" });
  expect(await sdk.executions.log(row.id)).toBe("heard\n");
});

it("leaves no process of a run that timed out, wherever it has gone", async () => {
  const { sdk } = await startApp();
  const family = [
    "sleep 300 & echo $!",
    "(sleep 300 & echo $!)",
    "setsid sleep 300 & echo $!",
    "env -i sleep 300 & echo $!",
    "setsid --fork bash -c 'echo $$; exec sleep 300'",
    "echo $$",
    "wait",
  ];
  await upload(sdk, { name: "family", timeout: "600ms" }, ...family);
  const row = await runToEnd(sdk, "family");
  expect(row.status).toBe("timed_out");
  await allGone(sdk, row, 6);
});

it("cancels a run: TERM to the script, and who did it in the row", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await upload(sdk, { name: "long" }, "sleep 300 & echo $!", "echo $$", gate.pass());
  const execution = await sdk.batches.run("long");
  await gate.arrival();
  expect((await sdk.executions.cancel(execution.id)).status).toBe("stopping");
  const row = await finalRow(sdk, execution);
  expect(row).toMatchObject({ status: "cancelled", signal: "SIGTERM", reason: { code: "cancelled" } });
  expect(row.reason?.text).toContain(execution.actor.name);
  await allGone(sdk, row, 2);
});

it("cancels what has not started at once: it never runs", async () => {
  const { sdk } = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await upload(sdk, { name: "first", overlap: "queue" }, gate.pass("$1"));
  const running = await sdk.batches.run("first", { args: ["one"] });
  await gate.arrival();
  const queued = await sdk.batches.run("first", { args: ["two"] });
  const cancelled = await sdk.executions.cancel(queued.id);
  expect(cancelled).toMatchObject({ status: "cancelled", startedAt: null, attempt: 0, log: null });
  await sdk.batches.run("first", { args: ["three"] });
  gate.open(2);
  expect(await gate.arrival()).toBe("three");
  expect((await finalRow(sdk, running)).status).toBe("completed");
});

it("refuses to cancel what has ended, and changes nothing of it", async () => {
  const { sdk } = await startApp();
  await upload(sdk, { name: "quick" }, "exit 0");
  const row = await runToEnd(sdk, "quick");
  await expect(sdk.executions.cancel(row.id)).rejects.toMatchObject({ status: 409 });
  expect(await sdk.executions.get(row.id)).toEqual(row);
});

it("takes a second cancel of a stubborn script as asked already", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await upload(sdk, { name: "twice", killAfter: "300ms" }, "trap '' TERM", `while :; do ${gate.pass()}; done`);
  const execution = await sdk.batches.run("twice");
  await gate.arrival();
  await sdk.executions.cancel(execution.id);
  expect((await sdk.executions.cancel(execution.id)).status).toBe("stopping");
  expect(await finalRow(sdk, execution)).toMatchObject({ status: "cancelled", signal: "SIGKILL" });
});

it("keeps exactly so many bytes as allowed, says that output was left out, and lets the script finish", async () => {
  const { sdk } = await startApp({ MAX_LOG: "64K" });
  const lines = ["head -c 200000 /dev/zero | tr '\\0' x", `echo after >"$BATCHLINE_STATE/after"`, "exit 7"];
  await upload(sdk, { name: "floods" }, ...lines);
  const row = await runToEnd(sdk, "floods");
  expect(row).toMatchObject({ exitCode: 7, log: { bytes: 65_536, truncated: true } });
  expect(row.errorLog).toEqual({ bytes: 0, truncated: false });
  expect(await sdk.executions.log(row.id)).toBe("x".repeat(65_536));
});

it("calls output of exactly the allowed size whole", async () => {
  const { sdk } = await startApp({ MAX_LOG: "64K" });
  await upload(sdk, { name: "fits" }, "head -c 65536 /dev/zero | tr '\\0' x");
  expect((await runToEnd(sdk, "fits")).log).toEqual({ bytes: 65_536, truncated: false });
});

it("ends with the script, not with what it was allowed to leave behind holding its output", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await upload(sdk, { name: "leaves", leftovers: "keep" }, `(${gate.pass()}; echo late) & echo early`);
  const row = await runToEnd(sdk, "leaves");
  expect(row.status).toBe("completed");
  await gate.arrival();
  gate.open();
  await expect.poll(() => sdk.executions.log(row.id), PATIENCE).toBe("early\nlate\n");
});

it("fails, with a reason in words, if the files of its version are gone, and goes on with the next", async () => {
  const { sdk, config } = await startApp({ CONCURRENCY: "1" });
  await upload(sdk, { name: "robbed" }, "echo never");
  for (const name of await readdir(config.uploadsDir)) {
    await rm(path.join(config.uploadsDir, name), { recursive: true });
  }
  const row = await runToEnd(sdk, "robbed");
  expect(row).toMatchObject({ status: "failed", exitCode: null, reason: { code: "version_missing" } });
  expect(row.reason?.text).not.toContain(config.uploadsDir);
  expect((await sdk.batches.get("robbed")).status).toBe("idle");
  expect((await runToEnd(sdk, "robbed")).number).toBe(2);
});
