// What happens to a batch that is asked to run while it runs, and how many scripts run at once.
import { expect, it } from "vitest";
import type { BatchlineClient } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";

type Policy = "skip" | "queue" | "allow" | "replace";

/** A batch whose script says its first argument at the gate and waits there. */
async function uploadWaiting(sdk: BatchlineClient, gate: Gate, overlap: Policy, name = "batch"): Promise<void> {
  await sdk.batches.create(await scriptZip(gate.pass("$1")), { name, overlap });
}

const run = (sdk: BatchlineClient, argument: string, name = "batch") => sdk.batches.run(name, { args: [argument] });

it("skip: a second run gets a row that names the execution in its way, and never starts", async () => {
  const { sdk, events } = await startApp();
  const gate = await Gate.make();
  await sdk.batches.create(await scriptZip(gate.pass("$1")), { name: "batch" });
  const first = await run(sdk, "first");
  await gate.arrival();
  const second = await run(sdk, "second");
  expect(second).toMatchObject({ status: "skipped", reason: { code: "overlap" }, startedAt: null, number: 2 });
  expect(second.reason?.text).toContain(`Execution ${first.id} `);
  await events.find((event) => event.kind === "execution.skipped" && event.subject.id === second.id);
  gate.open();
  await finalRow(sdk, first);
  await run(sdk, "third");
  expect(await gate.arrival()).toBe("third");
  gate.open();
  expect((await finalRows(sdk, "batch", 3)).map(({ status }) => status)).toEqual(["completed", "skipped", "completed"]);
});

it("skip: what still waits for a free slot is in the way too", async () => {
  const { sdk } = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await uploadWaiting(sdk, gate, "skip", "other");
  await uploadWaiting(sdk, gate, "skip");
  await run(sdk, "other", "other");
  await gate.arrival();
  expect((await run(sdk, "first")).status).toBe("queued");
  expect((await run(sdk, "second")).status).toBe("skipped");
  gate.open(2);
  expect(await gate.arrival()).toBe("first");
  await finalRows(sdk, "batch", 2);
});

it("queue: runs follow one after another, in the order in which they were asked for", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await uploadWaiting(sdk, gate, "queue");
  const names = ["one", "two", "three", "four"];
  for (const name of names) await run(sdk, name);
  for (const [i, name] of names.entries()) {
    expect(await gate.arrival()).toBe(name);
    const { items } = await sdk.executions.list({ batch: "batch", status: "running,stopping" });
    expect(items.map(({ number }) => number)).toEqual([i + 1]);
    gate.open();
  }
  expect((await finalRows(sdk, "batch", 4)).map(({ status }) => status)).toEqual(Array(4).fill("completed"));
});

it("queue: a line that grew too long turns the next away, with the reason", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await uploadWaiting(sdk, gate, "queue");
  const asked = await Promise.all(Array.from({ length: 102 }, () => run(sdk, "again")));
  const turnedAway = asked.filter(({ status }) => status === "skipped");
  expect(turnedAway.map(({ reason }) => reason?.code)).toEqual(["queue_full"]);
  const waiting = (await sdk.executions.list({ batch: "batch", status: "queued", limit: 200 })).items;
  await Promise.all(waiting.map(({ id }) => sdk.executions.cancel(id)));
});

it("allow: runs go on at once, and the batch is idle only when none is left", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await uploadWaiting(sdk, gate, "allow");
  const both = [await run(sdk, "one"), await run(sdk, "two")];
  expect([await gate.arrival(), await gate.arrival()].sort()).toEqual(["one", "two"]);
  expect(await sdk.batches.get("batch")).toMatchObject({ status: "running", activeExecutions: 2 });
  gate.open();
  await Promise.race(both.map((one) => finalRow(sdk, one)));
  expect(await sdk.batches.get("batch")).toMatchObject({ status: "running", activeExecutions: 1 });
  gate.open();
  await finalRows(sdk, "batch", 2);
  expect(await sdk.batches.get("batch")).toMatchObject({ status: "idle", activeExecutions: 0 });
});

it("replace: the run under way is cancelled, and the new one starts when that has ended", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  const script = await scriptZip(`trap '${gate.say("first ends")}; exit 3' TERM`, gate.pass("$1"));
  await sdk.batches.create(script, { name: "batch", overlap: "replace" });
  const first = await run(sdk, "first");
  expect(await gate.arrival()).toBe("first");
  const second = await run(sdk, "second");
  expect([await gate.arrival(), await gate.arrival()]).toEqual(["first ends", "second"]);
  gate.open();
  expect(await finalRow(sdk, first)).toMatchObject({ status: "cancelled", exitCode: 3, reason: { code: "replaced" } });
  expect(await finalRow(sdk, second)).toMatchObject({ status: "completed", reason: null });
});

it("replace: what has not started gives way at once, and only the latest runs", async () => {
  const { sdk } = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await uploadWaiting(sdk, gate, "skip", "other");
  await uploadWaiting(sdk, gate, "replace");
  await run(sdk, "other", "other");
  await gate.arrival();
  for (const name of ["one", "two", "three"]) await run(sdk, name);
  gate.open(2);
  expect(await gate.arrival()).toBe("three");
  const rows = await finalRows(sdk, "batch", 3);
  expect(rows.map(({ status }) => status)).toEqual(["cancelled", "cancelled", "completed"]);
  expect(rows.map(({ reason }) => reason?.code)).toEqual(["replaced", "replaced", undefined]);
});

it("runs at most as many scripts at once as configured, whatever batch they are of, oldest first", async () => {
  const { sdk } = await startApp({ CONCURRENCY: "2" });
  const gate = await Gate.make();
  for (const name of ["a", "b"]) await uploadWaiting(sdk, gate, "allow", name);
  const asked = ["a", "b", "a", "b", "a"];
  for (const [i, name] of asked.entries()) await run(sdk, `${i}`, name);
  const arrived = [await gate.arrival(), await gate.arrival()];
  expect(arrived.sort()).toEqual(["0", "1"]);
  for (const next of ["2", "3", "4"]) {
    const { items } = await sdk.executions.list({ status: "running" });
    expect(items).toHaveLength(2);
    gate.open();
    expect(await gate.arrival()).toBe(next);
  }
  gate.open(2);
  for (const name of ["a", "b"]) await finalRows(sdk, name, 2);
});

it("lets a waiting run of one batch not hold up another batch", async () => {
  const { sdk } = await startApp({ CONCURRENCY: "2" });
  const gate = await Gate.make();
  await uploadWaiting(sdk, gate, "queue", "busy");
  await uploadWaiting(sdk, gate, "queue", "free");
  for (const name of ["busy 1", "busy 2", "busy 3"]) await run(sdk, name, "busy");
  expect(await gate.arrival()).toBe("busy 1");
  await run(sdk, "free", "free");
  expect(await gate.arrival()).toBe("free");
  gate.open(4);
  expect([await gate.arrival(), await gate.arrival()]).toEqual(["busy 2", "busy 3"]);
  await finalRows(sdk, "busy", 3);
});
