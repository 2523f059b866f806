// Several services on one database and one set of folders: one plan, one queue, and none is missed when it is gone.
import { describe, expect, it } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { passOf, statuses, uploadChain } from "../support/chains.js";
import { FakeClock } from "../support/fake-clock.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";
import { startServiceProcess } from "../support/service-process.js";

const hourly = { cron: "0 * * * *" };
const nothing = await scriptZip("true");

async function three(concurrency: number, clock = new FakeClock()): Promise<[TestApp, TestApp, TestApp]> {
  const first = await startApp({ CONCURRENCY: String(concurrency) }, clock);
  return [first, await first.another(), await first.another()];
}

describe("three services", () => {
  it("start each of 50 occurrences once, and leave one row for each", { timeout: 60_000 }, async () => {
    const [first, , third] = await three(4);
    const gate = await Gate.make();
    const script = await scriptZip(gate.say("$BATCHLINE_SCHEDULED_AT"));
    await first.sdk.batches.create(script, { name: "batch", cron: "* * * * * *", overlap: "allow" });
    const started: string[] = [];
    // All of them know of the schedule, or will within a second: the races are in what follows.
    for (let count = 1; count <= 50; count++) {
      first.clock.advance({ seconds: 1 });
      if (count % 5 === 0) while (started.length < count) started.push(await gate.arrival());
    }
    const rows = await finalRows(third.sdk, "batch", 50);
    expect(rows.map(({ status }) => status)).toEqual(Array(50).fill("completed"));
    expect(rows.map(({ number }) => number)).toEqual(rows.map((_, i) => i + 1));
    const planned = rows.map(({ scheduledAt }) => scheduledAt);
    expect(new Set(planned).size).toBe(50);
    expect(started.sort()).toEqual([...planned].sort());
  });

  it("have one queue: no more scripts run than one of them may, and each slot is used again", async () => {
    const apps = await three(2);
    const gate = await Gate.make();
    await apps[0].sdk.batches.create(await scriptZip(gate.pass()), { name: "batch", overlap: "allow" });
    await Promise.all([...apps, ...apps].map(({ sdk }) => sdk.batches.run("batch")));
    await Promise.all([gate.arrival(), gate.arrival()]);
    for (let ended = 0; ended < 4; ended++) {
      const { items } = await apps[2].sdk.executions.list({ status: "running" });
      expect(items).toHaveLength(2);
      gate.open();
      await gate.arrival();
    }
    gate.open(2);
    expect((await finalRows(apps[1].sdk, "batch", 6)).map(({ status }) => status)).toEqual(Array(6).fill("completed"));
  });

  it("cancel each other's runs, chains included", async () => {
    const [first, second, third] = await three(2);
    const gate = await Gate.make();
    const lines = [gate.pass()];
    await uploadChain(first.sdk, { name: "head", overlap: "allow", lines }, { name: "next", lines });
    const [one, two] = [await first.sdk.batches.run("head"), await third.sdk.batches.run("head", { successors: true })];
    await Promise.all([gate.arrival(), gate.arrival()]);
    await second.sdk.executions.cancel(one.id);
    await second.sdk.chainRuns.cancel(two.chainRunId ?? 0);
    expect(await finalRow(third.sdk, one)).toMatchObject({ status: "cancelled", signal: "SIGTERM" });
    expect(statuses(await passOf(first.sdk, two))).toEqual({ head: "cancelled", next: "aborted" });
  });

  it("fire what was planned through one that is stopped since, and not what was disabled through another", async () => {
    const [first, second, third] = await three(2);
    await first.sdk.batches.create(nothing, { ...hourly, name: "batch" });
    await first.sdk.batches.create(nothing, { ...hourly, name: "disabled" });
    await first.stop();
    await second.sdk.batches.disable("disabled");
    await second.stop();
    third.clock.advance({ hours: 1 });
    expect(await finalRows(third.sdk, "batch", 1)).toMatchObject([{ status: "completed" }]);
    expect((await third.sdk.executions.list({ batch: "disabled" })).items).toEqual([]);
  });

  it("try again what failed in one that is stopped since", async () => {
    const [first, second] = await three(2);
    const script = await scriptZip("(( BATCHLINE_ATTEMPT == 2 ))");
    await first.sdk.batches.create(script, { name: "batch", retry: { attempts: 2 } });
    const run = await first.sdk.batches.run("batch");
    await expect.poll(async () => (await second.sdk.executions.get(run.id)).reason?.code, PATIENCE).toBe("retry");
    await first.stop();
    second.clock.advance({ seconds: 10 });
    expect(await finalRow(second.sdk, run)).toMatchObject({ status: "completed", attempt: 2 });
  });
});

it(
  "a service that is killed leaves its scripts to the others, who record their true ends",
  { timeout: 60_000 },
  async () => {
    const first = await startApp({ CONCURRENCY: "3" }, new FakeClock(Date.now()));
    const second = await first.another();
    const killed = await startServiceProcess(first.config);
    const [gate, early] = [await Gate.make(), await Gate.make()];
    await uploadChain(
      killed.sdk,
      { name: "head", lines: ["echo begun", gate.pass("head"), "echo done", "exit 3"] },
      { name: "rescue", runOn: "failure", previousOutput: true, lines: ['cat "$1"'] },
    );
    await killed.sdk.batches.create(await scriptZip(early.pass(), "exit 5"), { name: "early" });
    await killed.sdk.batches.create(await scriptZip(gate.pass("stuck")), { name: "stuck" });
    const head = await killed.sdk.batches.run("head", { successors: true });
    const ended = await killed.sdk.batches.run("early");
    const stuck = await killed.sdk.batches.run("stuck");
    await Promise.all([gate.arrival(), gate.arrival(), early.arrival()]);
    await killed.kill("SIGKILL");
    early.open();
    expect(await finalRow(first.sdk, ended)).toMatchObject({ status: "failed", exitCode: 5, attempt: 1 });
    await second.sdk.executions.cancel(stuck.id);
    expect(await finalRow(first.sdk, stuck)).toMatchObject({ status: "cancelled", signal: "SIGTERM" });
    gate.open();
    const rows = await passOf(second.sdk, head);
    expect(statuses(rows)).toEqual({ head: "failed", rescue: "completed" });
    expect(rows["head"]).toMatchObject({ exitCode: 3, attempt: 1 });
    expect(await second.sdk.executions.log(rows["rescue"]?.id ?? 0)).toBe("begun\ndone\n");
  },
);
