// A chain that is changed while a pass goes through it: disabled, deleted or extended half-way.
import { expect, it } from "vitest";
import type { ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { pass, passOf, statuses, uploadChain, type Member } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRows } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";

/** A service with a chain whose head has been run and waits at the gate. */
async function halfWay(...rest: Member[]): Promise<TestApp & { gate: Gate; run: ExecutionView }> {
  const app = await startApp();
  const gate = await Gate.make();
  await uploadChain(app.sdk, { name: "head", cron: "0 * * * *", lines: [gate.pass()] }, ...rest);
  const run = await app.sdk.batches.run("head", { successors: true });
  await gate.arrival();
  return { ...app, gate, run };
}

const lines = ["true"];

it("skips a batch that was disabled half-way, and all after it, even the independent ones", async () => {
  const rest = [
    { name: "middle", lines },
    { name: "last", independent: true, lines },
    { name: "beside", after: ["head"], lines },
  ];
  const { sdk, gate, run } = await halfWay(...rest);
  await sdk.batches.disable("middle");
  gate.open();
  const rows = await passOf(sdk, run);
  expect(statuses(rows)).toEqual({ head: "completed", middle: "skipped", last: "skipped", beside: "completed" });
  for (const name of ["middle", "last"]) expect(rows[name]?.reason?.code).toBe("disabled");
});

it("lets nothing of a pass undo a disabling", async () => {
  const { sdk, clock, gate, run } = await halfWay({ name: "tail", independent: true, lines });
  clock.advance({ seconds: 1 });
  await sdk.batches.disable("head");
  gate.open();
  expect(statuses(await passOf(sdk, run))).toEqual({ head: "completed", tail: "skipped" });
  for (const name of ["head", "tail"]) {
    expect(await sdk.batches.get(name)).toMatchObject({ enabled: false, nextRuns: [], status: "idle" });
  }
  await sdk.batches.create(await scriptZip("true"), { name: "witness", cron: "0 * * * *" });
  clock.advance({ hours: 3 });
  await finalRows(sdk, "witness", 3);
  expect((await sdk.executions.list({ batch: "head" })).items).toHaveLength(1);
});

it("goes on where what was disabled half-way is enabled again in time", async () => {
  const { sdk, gate, run } = await halfWay({ name: "tail", lines });
  await sdk.batches.disable("tail");
  await sdk.batches.enable("tail");
  gate.open();
  expect(statuses(await passOf(sdk, run))).toEqual({ head: "completed", tail: "completed" });
});

it("leaves out what was disabled before the pass began, without a row", async () => {
  const { sdk } = await startApp();
  await uploadChain(sdk, { name: "head", lines }, { name: "off", lines }, { name: "on", after: ["head"], lines });
  await sdk.batches.disable("off");
  expect(statuses(await pass(sdk, "head"))).toEqual({ head: "completed", on: "completed" });
});

it("runs a disabled head and its successors if a person asks for just that", async () => {
  const { sdk } = await startApp();
  await uploadChain(sdk, { name: "head", lines }, { name: "tail", lines });
  await sdk.batches.disable("head");
  expect(statuses(await pass(sdk, "head"))).toEqual({ head: "completed", tail: "completed" });
});

it("passes a batch that was deleted half-way: what depends on it is aborted, the independent runs", async () => {
  const { sdk, gate, run } = await halfWay(
    { name: "deleted", lines },
    { name: "dependent", lines },
    { name: "independent", after: ["deleted"], independent: true, previousOutput: true, lines: ['wc -c <"$1"'] },
  );
  await sdk.batches.remove("deleted");
  gate.open();
  const rows = await passOf(sdk, run);
  expect(statuses(rows)).toEqual({ head: "completed", dependent: "aborted", independent: "completed" });
  expect(rows["dependent"]?.reason).toMatchObject({ code: "predecessor_aborted" });
  expect(await sdk.executions.log(rows["independent"]?.id ?? 0)).toBe("0\n");
});

it("does not let a join wait for a branch that was deleted half-way", async () => {
  const slow = await Gate.make();
  const { sdk, gate, run } = await halfWay(
    { name: "deleted", lines },
    { name: "slow", after: ["head"], lines: [slow.pass()] },
    { name: "join", after: ["deleted", "slow"], lines },
    { name: "independent join", after: ["slow", "deleted"], independent: true, lines },
  );
  await sdk.batches.remove("deleted");
  gate.open();
  await slow.arrival();
  slow.open();
  const { join, ...rest } = statuses(await passOf(sdk, run));
  expect([join, rest["independent join"]]).toEqual(["aborted", "completed"]);
});

it("does not take a batch along that was attached half-way; the next pass does", async () => {
  const { sdk, gate, run } = await halfWay({ name: "tail", lines });
  await sdk.batches.attach("tail", await scriptZip(...lines), { name: "new" });
  gate.open();
  expect(Object.keys(await passOf(sdk, run)).sort()).toEqual(["head", "tail"]);
  gate.open();
  expect(Object.keys(await pass(sdk, "head")).sort()).toEqual(["head", "new", "tail"]);
});
