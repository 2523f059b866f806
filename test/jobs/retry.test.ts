// What becomes of an execution whose attempt has failed: another attempt, when and after what, and what counts as its end.
import path from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { Config } from "../../src/config.js";
import { readStatus } from "../../src/handlers/process/run-folder.js";
import type { BatchConfigInput, BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { passOf, statuses, uploadChain } from "../support/chains.js";
import { FakeClock } from "../support/fake-clock.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

type Retry = NonNullable<BatchConfigInput["retry"]>;

/** Starts a batch with these lines as its script. */
async function begin(
  sdk: BatchlineClient,
  lines: string[],
  config: Partial<BatchConfigInput> & { retry: Retry },
): Promise<ExecutionView> {
  await sdk.batches.create(await scriptZip(...lines), { ...config, name: "batch" });
  return sdk.batches.run("batch");
}

/** The execution when its attempt with this number has ended and the next one is to come. */
function between(sdk: BatchlineClient, { id }: { id: number }, attempt: number): Promise<ExecutionView> {
  return vi.waitFor(async () => {
    const row = await sdk.executions.get(id);
    expect([row.status, row.attempt]).toEqual(["queued", attempt]);
    return row;
  }, PATIENCE);
}

/** Waits until the queue has been looked through once more: something that was asked for later has run. */
async function queueWasRead(sdk: BatchlineClient): Promise<void> {
  await sdk.batches.create(await scriptZip("true"), { name: "witness" });
  await finalRow(sdk, await sdk.batches.run("witness"));
}

const codesOf = ({ attempts }: ExecutionView) => attempts.map(({ number, exitCode }) => [number, exitCode]);
const runFolder = (config: Config, { id }: { id: number }) => path.join(config.dataDir, "runs", `${id}-1`);

it("tries again after the delay and not before, as often as configured, and completes with the attempt that does", async () => {
  const { sdk, clock } = await startApp();
  const run = await begin(sdk, ["exit $((3 - BATCHLINE_ATTEMPT))"], { retry: { attempts: 4 } });
  const first = await between(sdk, run, 1);
  const retryAt = new Date(clock.now() + 10_000).toISOString();
  expect(first).toMatchObject({ retryAt, reason: { code: "retry" }, finishedAt: null });
  expect(first.reason?.text).toBe(`The script ended with exit code 2. Attempt 2 of 4 starts at ${retryAt}.`);
  expect(first.attempts).toMatchObject([{ number: 1, status: "failed", exitCode: 2, reason: { code: "exit_code" } }]);
  clock.advance({ ms: 9999 });
  await queueWasRead(sdk);
  expect(await sdk.executions.get(run.id)).toMatchObject({ status: "queued", attempt: 1 });
  clock.advance({ ms: 1 });
  await between(sdk, run, 2);
  clock.advance({ seconds: 10 });
  const last = await finalRow(sdk, run);
  expect(last).toMatchObject({ status: "completed", attempt: 3, exitCode: 0, reason: null, retryAt: null });
  expect(last.attempts.map(({ status }) => status)).toEqual(["failed", "failed", "completed"]);
  expect(codesOf(last)).toEqual([
    [1, 2],
    [2, 1],
    [3, 0],
  ]);
});

it("fails with its last attempt", async () => {
  const { sdk, clock } = await startApp();
  const run = await begin(sdk, ["exit 9"], { retry: { attempts: 2 } });
  await between(sdk, run, 1);
  clock.advance({ seconds: 10 });
  expect(await finalRow(sdk, run)).toMatchObject({ status: "failed", attempt: 2, exitCode: 9, retryAt: null });
});

it.each([
  { backoff: "fixed", delays: [10, 10, 10, 10] },
  { backoff: "exponential", jitter: false, delays: [10, 20, 30, 30] },
] as const)("waits between attempts as told: $backoff", async ({ delays, ...rest }) => {
  const { sdk, clock } = await startApp();
  const retry = { ...rest, attempts: 5, delay: "10s", maxDelay: "30s" };
  const run = await begin(sdk, ["exit 1"], { retry });
  for (const [i, delay] of delays.entries()) {
    const { retryAt } = await between(sdk, run, i + 1);
    expect(Date.parse(retryAt ?? "") - clock.now()).toBe(delay * 1000);
    clock.advance({ seconds: delay });
  }
  expect((await finalRow(sdk, run)).attempt).toBe(5);
});

it("shortens an exponential delay by chance, by up to a half", async () => {
  const { sdk, clock } = await startApp();
  const retry = { attempts: 2, delay: "1h", maxDelay: "1h", backoff: "exponential" } as const;
  const run = await begin(sdk, ["exit 1"], { retry });
  const delay = Date.parse((await between(sdk, run, 1)).retryAt ?? "") - clock.now();
  expect(delay).toBeGreaterThanOrEqual(1_800_000);
  expect(delay).toBeLessThan(3_600_000);
});

it("tries again only after the exit codes that are named", async () => {
  const { sdk, clock } = await startApp();
  const lines = ["(( BATCHLINE_ATTEMPT == 1 )) && exit 3 || exit 4"];
  const run = await begin(sdk, lines, { retry: { attempts: 5, exitCodes: [3, 5] } });
  await between(sdk, run, 1);
  clock.advance({ seconds: 10 });
  expect(await finalRow(sdk, run)).toMatchObject({ status: "failed", attempt: 2, exitCode: 4 });
});

it("does not try again after a warning", async () => {
  const { sdk } = await startApp();
  const run = await begin(sdk, ["exit 3"], { warningExitCodes: [3], retry: { attempts: 2 } });
  expect(await finalRow(sdk, run)).toMatchObject({ status: "warned", attempt: 1 });
});

describe("an attempt that timed out", () => {
  const timeout = "300ms";

  it("is followed by another, whose time counts anew", async () => {
    const { sdk, clock } = await startApp();
    const gate = await Gate.make();
    const run = await begin(sdk, [gate.pass("$BATCHLINE_ATTEMPT")], { timeout, retry: { attempts: 2 } });
    const first = await between(sdk, run, 1);
    expect(first.attempts).toMatchObject([{ status: "timed_out", signal: "SIGTERM", reason: { code: "timeout" } }]);
    clock.advance({ seconds: 10 });
    const last = await finalRow(sdk, run);
    expect(last).toMatchObject({ status: "timed_out", attempt: 2, signal: "SIGTERM", reason: { code: "timeout" } });
    expect([await gate.arrival(), await gate.arrival()]).toEqual(["1", "2"]);
  });

  it("leaves no trace of its signal on one that completes", async () => {
    const { sdk, clock } = await startApp();
    const gate = await Gate.make();
    const lines = ["(( BATCHLINE_ATTEMPT == 1 )) || exit 0", gate.pass()];
    const run = await begin(sdk, lines, { timeout: "1s", retry: { attempts: 2 } });
    await between(sdk, run, 1);
    clock.advance({ seconds: 10 });
    const last = await finalRow(sdk, run);
    expect(last).toMatchObject({ status: "completed", signal: null, exitCode: 0, reason: null });
  });

  it("is the last if exit codes are named", async () => {
    const { sdk } = await startApp();
    const gate = await Gate.make();
    const run = await begin(sdk, [gate.pass()], { timeout, retry: { attempts: 2, exitCodes: [1] } });
    expect(await finalRow(sdk, run)).toMatchObject({ status: "timed_out", attempt: 1 });
  });
});

describe("an attempt whose end nobody saw", () => {
  async function lose({ sdk, config }: TestApp, retry: Retry): Promise<ExecutionView> {
    const gate = await Gate.make();
    const run = await begin(sdk, ["(( BATCHLINE_ATTEMPT == 1 )) || exit 0", gate.pass()], { retry });
    await gate.arrival();
    const status = readStatus(runFolder(config, run));
    if (status.state !== "running" || !status.script) throw new Error(`The run is ${status.state}.`);
    for (const { pid } of [status.worker, status.script]) process.kill(pid, "SIGKILL");
    return run;
  }

  it("is the last, since its script may have done its work", async () => {
    const app = await startApp();
    const run = await lose(app, { attempts: 2 });
    expect(await finalRow(app.sdk, run)).toMatchObject({ status: "lost", attempt: 1 });
  });

  it("is followed by another if the config asks for that", async () => {
    const app = await startApp();
    const run = await lose(app, { attempts: 2, onLost: true });
    expect((await between(app.sdk, run, 1)).attempts).toMatchObject([{ status: "lost" }]);
    app.clock.advance({ seconds: 10 });
    expect(await finalRow(app.sdk, run)).toMatchObject({ status: "completed", attempt: 2 });
  });
});

describe("cancelling", () => {
  it("a running attempt is the end of it", async () => {
    const { sdk } = await startApp();
    const gate = await Gate.make();
    const run = await begin(sdk, [gate.pass()], { retry: { attempts: 3 } });
    await gate.arrival();
    await sdk.executions.cancel(run.id);
    expect(await finalRow(sdk, run)).toMatchObject({ status: "cancelled", attempt: 1, retryAt: null });
  });

  it("between two attempts is the end at once, and the attempt that failed stays on record", async () => {
    const { sdk, clock } = await startApp();
    const run = await begin(sdk, ["exit 6"], { retry: { attempts: 3 } });
    await between(sdk, run, 1);
    const cancelled = await sdk.executions.cancel(run.id);
    expect(cancelled).toMatchObject({ status: "cancelled", reason: { code: "cancelled" }, retryAt: null });
    expect(cancelled.attempts).toMatchObject([{ number: 1, status: "failed", exitCode: 6 }]);
    clock.advance({ hours: 1 });
    await queueWasRead(sdk);
    expect(await sdk.executions.get(run.id)).toMatchObject({ status: "cancelled", attempt: 1 });
  });
});

it("lets the chain go on after the last attempt only, with the output of that one", async () => {
  const { sdk, clock } = await startApp();
  await uploadChain(
    sdk,
    { name: "head", retry: { attempts: 2 }, lines: ["echo $BATCHLINE_ATTEMPT", "(( BATCHLINE_ATTEMPT == 2 ))"] },
    { name: "next", previousOutput: true, lines: ['cat "$1"'] },
  );
  const run = await sdk.batches.run("head", { successors: true });
  await between(sdk, run, 1);
  expect((await sdk.executions.list({ batch: "next" })).items).toEqual([]);
  clock.advance({ seconds: 10 });
  const rows = await passOf(sdk, run);
  expect(statuses(rows)).toEqual({ head: "completed", next: "completed" });
  expect(await sdk.executions.log(rows["next"]?.id ?? 0)).toBe("2\n");
});

it("is in the way of other runs of its batch between its attempts", async () => {
  const { sdk } = await startApp();
  const run = await begin(sdk, ["exit 1"], { retry: { attempts: 2 } });
  await between(sdk, run, 1);
  expect(await sdk.batches.run("batch")).toMatchObject({ status: "skipped", reason: { code: "overlap" } });
});

describe("across a restart", () => {
  it("the next attempt comes at its time, and at once if that has passed", async () => {
    const first = await startApp();
    const run = await begin(first.sdk, ["(( BATCHLINE_ATTEMPT == 3 ))"], { retry: { attempts: 3 } });
    await between(first.sdk, run, 1);
    const second = await first.restart();
    await queueWasRead(second.sdk);
    expect(await second.sdk.executions.get(run.id)).toMatchObject({ status: "queued", attempt: 1 });
    second.clock.advance({ seconds: 10 });
    await between(second.sdk, run, 2);
    await second.stop();
    second.clock.advance({ minutes: 1 });
    const third = await second.restart();
    expect(await finalRow(third.sdk, run)).toMatchObject({ status: "completed", attempt: 3 });
  });

  it.each([
    { how: "cancelled", timeout: "1h", word: "cancelled" },
    { how: "timed out", timeout: "500ms", word: "timed_out" },
  ])("an attempt that follows at once on one that ended meanwhile can be $how", async ({ how, timeout, word }) => {
    const first = await startApp({}, new FakeClock(Date.now()));
    const gate = await Gate.make();
    const lines = [`trap 'exit 1' TERM; ${gate.pass("$BATCHLINE_ATTEMPT")}; exit 1`];
    const run = await begin(first.sdk, lines, { timeout, retry: { attempts: 2 } });
    await gate.arrival();
    await first.stop();
    gate.open();
    await expect.poll(() => readStatus(runFolder(first.config, run)).state, PATIENCE).toBe("exit");
    first.clock.advance({ minutes: 1 });
    const { sdk } = await first.restart();
    expect(await gate.arrival()).toBe("2");
    if (how === "cancelled") await sdk.executions.cancel(run.id);
    expect(await finalRow(sdk, run)).toMatchObject({ status: word, attempt: 2 });
  });
});
