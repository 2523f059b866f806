// Chains: who may run after whom, and what is handed down.
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { pass, passOf, statuses, uploadChain } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

const logOf = (sdk: BatchlineClient, row: ExecutionView | undefined) => sdk.executions.log(row?.id ?? 0);

/** Prints its own name after everything that it was given. */
const PASS_ON = `cat "\${@: -1}"; echo "$BATCHLINE_BATCH"`;

it("hands data down three batches: each gets the output of the one before as file, last argument and variable", async () => {
  const { sdk } = await startApp();
  const show = `[[ "\${@: -1}" == "$BATCHLINE_PREVIOUS_OUTPUT" ]] && echo "$# $1 $BATCHLINE_PREVIOUS_OUTPUT" >&2`;
  const member = { previousOutput: true, args: ["own"], lines: [PASS_ON, show] };
  await uploadChain(
    sdk,
    { name: "one", lines: ['echo "$BATCHLINE_BATCH"', "echo not handed down >&2"] },
    { ...member, name: "two" },
    { ...member, name: "three" },
  );
  const { one, two, three } = await pass(sdk, "one");
  expect(await logOf(sdk, three)).toBe("one\ntwo\nthree\n");
  expect([one, two, three].map((row) => row?.chainRunId)).toEqual(Array(3).fill(one?.chainRunId));
  expect([two?.source, three?.source, three?.actor.kind]).toEqual(["chain", "chain", "system"]);
  const [count, first, file] = (await sdk.executions.errorLog(three?.id ?? 0)).trim().split(" ");
  expect([count, first, path.isAbsolute(file ?? "")]).toEqual(["2", "own", true]);
});

it("gives nothing to a batch that did not ask for the output before it", async () => {
  const { sdk } = await startApp();
  await uploadChain(
    sdk,
    { name: "loud", lines: ["echo loud", `echo 'X=1' >"$BATCHLINE_RESULT"`] },
    { name: "deaf", lines: [`echo "$# \${BATCHLINE_PREVIOUS_OUTPUT-none} \${BATCHLINE_RESULT_X-none}"`] },
  );
  expect(await logOf(sdk, (await pass(sdk, "loud"))["deaf"])).toBe("0 none none\n");
});

it("aborts what follows a failed batch, naming the predecessor, down to an independent batch that takes over", async () => {
  const { sdk } = await startApp();
  const lines = ["echo ran"];
  await uploadChain(
    sdk,
    { name: "head", lines },
    { name: "middle", lines: ["exit 9"] },
    { name: "third", lines },
    { name: "fourth", lines },
    { name: "independent", lines, independent: true },
    { name: "last", lines },
  );
  const rows = await pass(sdk, "head");
  expect(statuses(rows)).toEqual({
    head: "completed",
    middle: "failed",
    third: "aborted",
    fourth: "aborted",
    independent: "completed",
    last: "completed",
  });
  expect(rows["third"]).toMatchObject({
    startedAt: null,
    attempt: 0,
    log: null,
    reason: { code: "predecessor_failed" },
  });
  expect(rows["third"]?.reason?.text).toContain(`"middle" (execution ${rows["middle"]?.id}) failed with exit code 9`);
  expect(rows["fourth"]?.reason).toMatchObject({ code: "predecessor_aborted" });
  expect(rows["fourth"]?.reason?.text).toContain(`"third"`);
});

it("starts by each kind of link after exactly the results that it names", async () => {
  const { sdk } = await startApp();
  const lines = ["true"];
  await uploadChain(
    sdk,
    { name: "head", lines: [`exit "$1"`] },
    { name: "success", runOn: "success", lines },
    { name: "failure", after: ["head"], runOn: "failure", lines },
    { name: "always", after: ["head"], runOn: "always", lines },
    { name: "after abort", after: ["success"], runOn: "failure", lines },
  );
  expect(statuses(await pass(sdk, "head", ["0"]))).toEqual({
    head: "completed",
    success: "completed",
    failure: "aborted",
    always: "completed",
    "after abort": "aborted",
  });
  expect(statuses(await pass(sdk, "head", ["1"]))).toEqual({
    head: "failed",
    success: "aborted",
    failure: "completed",
    always: "completed",
    "after abort": "completed",
  });
});

it("takes a cancelled or timed-out batch for one that did not succeed", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await uploadChain(
    sdk,
    { name: "head", timeout: "600ms", lines: [gate.pass()] },
    { name: "next", lines: ["true"] },
    { name: "rescue", after: ["head"], runOn: "failure", lines: ["true"] },
  );
  const timedOut = await pass(sdk, "head");
  expect(statuses(timedOut)).toEqual({ head: "timed_out", next: "aborted", rescue: "completed" });
  expect(timedOut["next"]?.reason?.code).toBe("predecessor_timed_out");
  await gate.arrival();
  const run = await sdk.batches.run("head", { successors: true });
  await gate.arrival();
  await sdk.executions.cancel(run.id);
  const cancelled = await passOf(sdk, run);
  expect(statuses(cancelled)).toEqual({ head: "cancelled", next: "aborted", rescue: "completed" });
  expect(cancelled["next"]?.reason?.code).toBe("predecessor_cancelled");
});

describe("a join", () => {
  const lines = ['echo "$BATCHLINE_BATCH"', `echo "$BATCHLINE_BATCH=1" >"$BATCHLINE_RESULT"`];
  const head = { name: "head", lines };

  it("waits for all predecessors and gets one output of each, in link order and by name", async () => {
    const { sdk } = await startApp();
    const gate = await Gate.make();
    const print = 'for file in "$@"; do cat "$file"; done; ls "$BATCHLINE_PREVIOUS_OUTPUTS"';
    const rest = 'cat "$BATCHLINE_PREVIOUS_OUTPUTS/left"; echo "$BATCHLINE_RESULT_left$BATCHLINE_RESULT_right"';
    await uploadChain(
      sdk,
      head,
      { name: "left", lines: [gate.pass(), ...lines] },
      { name: "right", after: ["head"], lines },
      { name: "join", after: ["right", "left"], previousOutput: true, lines: [print, rest] },
    );
    const run = await sdk.batches.run("head", { successors: true });
    await gate.arrival();
    await finalRows(sdk, "right", 1);
    expect((await sdk.executions.list({ batch: "join" })).items).toEqual([]);
    gate.open();
    const { join } = await passOf(sdk, run);
    expect(await logOf(sdk, join)).toBe("right\nleft\nleft\nright\nleft\n11\n");
  });

  it("runs exactly once per pass, also when its predecessors end at the same moment", async () => {
    const { sdk } = await startApp();
    const gate = await Gate.make();
    await uploadChain(
      sdk,
      head,
      { name: "left", lines: [gate.pass()] },
      { name: "right", after: ["head"], lines: [gate.pass()] },
      { name: "join", after: ["left", "right"], lines: ["true"] },
    );
    for (let round = 1; round <= 15; round++) {
      const run = await sdk.batches.run("head", { successors: true });
      await gate.arrival();
      await gate.arrival();
      gate.open(2);
      expect(Object.keys(await passOf(sdk, run))).toHaveLength(4);
      const joins = (await sdk.executions.list({ batch: "join" })).items;
      expect(joins.map(({ status }) => status)).toEqual(Array(round).fill("completed"));
    }
  });

  it("is aborted once if one predecessor failed, after the others have ended", async () => {
    const { sdk } = await startApp();
    const gate = await Gate.make();
    await uploadChain(
      sdk,
      head,
      { name: "fails", lines: ["exit 1"] },
      { name: "slow", after: ["head"], lines: [gate.pass()] },
      { name: "join", after: ["slow", "fails"], lines: ["true"] },
    );
    const run = await sdk.batches.run("head", { successors: true });
    await gate.arrival();
    await finalRows(sdk, "fails", 1);
    expect((await sdk.executions.list({ batch: "join" })).items).toEqual([]);
    gate.open();
    const { join } = await passOf(sdk, run);
    expect(join).toMatchObject({ status: "aborted", reason: { code: "predecessor_failed" } });
    expect(join?.reason?.text).toContain(`"fails"`);
    expect((await sdk.executions.list({ batch: "join" })).items).toHaveLength(1);
  });

  it("gets an empty file of a predecessor that printed nothing or never ran", async () => {
    const { sdk } = await startApp();
    await uploadChain(
      sdk,
      { name: "silent", lines: ["exit 1"] },
      { name: "aborted", lines },
      {
        name: "join",
        after: ["silent", "aborted"],
        independent: true,
        previousOutput: true,
        lines: ['[[ -f $1 && -f $2 ]] && wc -c <"$1" && wc -c <"$2"'],
      },
    );
    const rows = await pass(sdk, "silent");
    expect(statuses(rows)).toEqual({ silent: "failed", aborted: "aborted", join: "completed" });
    expect(await logOf(sdk, rows["join"])).toBe("0\n0\n");
  });
});

it("runs a batch alone if asked to, and what comes after it only if asked to", async () => {
  const { sdk } = await startApp();
  const lines = ["true"];
  await uploadChain(sdk, { name: "one", lines }, { name: "two", lines }, { name: "three", lines });
  const alone = await finalRow(sdk, await sdk.batches.run("two"));
  expect(alone.chainRunId).toBeNull();
  expect((await sdk.executions.list()).items).toHaveLength(1);
  expect(statuses(await pass(sdk, "two"))).toEqual({ two: "completed", three: "completed" });
  expect((await sdk.executions.list({ batch: "one" })).items).toEqual([]);
});

it("keeps two passes at once apart: each hands down its own data under its own id", async () => {
  const { sdk } = await startApp({ CONCURRENCY: "4" });
  const gate = await Gate.make();
  const again = { overlap: "allow" as const };
  await uploadChain(
    sdk,
    { name: "head", ...again, lines: [gate.pass(), 'echo "$1"'] },
    { name: "left", ...again, previousOutput: true, lines: [gate.pass(), PASS_ON] },
    { name: "right", ...again, after: ["head"], previousOutput: true, lines: [PASS_ON] },
    { name: "join", ...again, after: ["left", "right"], previousOutput: true, lines: ['cat "$@"'] },
  );
  const runs = await Promise.all(["a", "b"].map((word) => sdk.batches.run("head", { args: [word], successors: true })));
  for (let i = 0; i < 4; i++) {
    await gate.arrival();
    gate.open();
  }
  const passes = await Promise.all(runs.map((run) => passOf(sdk, run)));
  expect(runs[0]?.chainRunId).not.toBe(runs[1]?.chainRunId);
  for (const [i, word] of ["a", "b"].entries()) {
    expect(await logOf(sdk, passes[i]?.["join"])).toBe(`${word}\nleft\n${word}\nright\n`);
  }
  expect((await sdk.executions.list()).items).toHaveLength(8);
});

it("runs the whole chain when its head is due", async () => {
  const { sdk, clock, events } = await startApp();
  await uploadChain(sdk, { name: "head", cron: "0 * * * *", lines: ["true"] }, { name: "tail", lines: ["true"] });
  clock.advance({ hours: 1 });
  const { subject } = await events.next("execution.queued");
  const rows = await passOf(sdk, await sdk.executions.get(subject.id));
  expect(rows).toMatchObject({ head: { status: "completed", source: "schedule" }, tail: { status: "completed" } });
});

it("makes no second pass when the head is due while it still runs", async () => {
  const { sdk, clock } = await startApp();
  const gate = await Gate.make();
  const lines = ["true"];
  await uploadChain(
    sdk,
    { name: "head", cron: "0 * * * *", lines: [gate.pass()] },
    { name: "tail", independent: true, lines },
  );
  clock.advance({ hours: 1 });
  await gate.arrival();
  clock.advance({ hours: 1 });
  await expect.poll(async () => (await sdk.executions.list({ status: "skipped" })).items.length, PATIENCE).toBe(1);
  gate.open();
  await finalRows(sdk, "tail", 1);
  const [first, second] = await finalRows(sdk, "head", 2);
  expect([first?.status, second?.status, second?.chainRunId]).toEqual(["completed", "skipped", null]);
  expect((await sdk.executions.list({ batch: "tail" })).items).toHaveLength(1);
});

it("follows a batch that was attached later, with the options that it came with", async () => {
  const { sdk } = await startApp();
  await sdk.batches.create(await scriptZip("echo first; exit 1"), { name: "first" });
  const config = { name: "attached", previousOutput: true, runOn: "failure" as const };
  await sdk.batches.attach("first", await scriptZip('cat "$1"'), config);
  const { attached } = await pass(sdk, "first");
  expect(await logOf(sdk, attached)).toBe("first\n");
});
