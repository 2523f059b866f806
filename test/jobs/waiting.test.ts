// waitFor: an execution waits until the run of the same period of other batches is over.
import { describe, expect, it, vi } from "vitest";
import type { BatchConfigInput, BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

const nothing = await scriptZip("true");
const hourly = { cron: "0 * * * *" };
const hour = (time: number) => `2026-12-01T${time}:00:00.000Z`;

/** A service with "awaited", which waits at the gate, and "waiter", which waits for it. */
async function arrange(
  awaited: Partial<BatchConfigInput>,
  waiter: Partial<BatchConfigInput>,
): Promise<TestApp & { gate: Gate }> {
  const app = await startApp();
  const gate = await Gate.make();
  await app.sdk.batches.create(await scriptZip(gate.pass("awaited"), "exit ${1-0}"), { ...awaited, name: "Awaited" });
  await app.sdk.batches.create(await scriptZip(gate.say("waiter")), {
    ...waiter,
    waitFor: ["awaited"],
    name: "waiter",
  });
  return { ...app, gate };
}

/** The one row of the waiter, as soon as there is one. */
function waiterRow(sdk: BatchlineClient): Promise<ExecutionView> {
  return vi.waitFor(async () => {
    const { items } = await sdk.executions.list({ batch: "waiter" });
    expect(items).toHaveLength(1);
    return items[0] as ExecutionView;
  }, PATIENCE);
}

describe("a batch with a schedule is waited for", () => {
  it("when both are due at the same instant", async () => {
    const { sdk, clock, gate } = await arrange(hourly, hourly);
    clock.advance({ hours: 1 });
    expect(await gate.arrival()).toBe("awaited");
    const row = await waiterRow(sdk);
    const { id } = await sdk.batches.get("awaited");
    expect(row).toMatchObject({
      status: "waiting",
      waitsFor: [{ batchId: id, batchName: "Awaited", since: hour(13) }],
    });
    gate.open();
    expect(await gate.arrival()).toBe("waiter");
    expect(await finalRow(sdk, row)).toMatchObject({ status: "completed", waitsFor: [], scheduledAt: hour(13) });
  });

  it("when its run of this period is under way still", async () => {
    const { sdk, clock, gate } = await arrange({ cron: "30 * * * *" }, hourly);
    clock.advance({ minutes: 30 });
    await gate.arrival();
    clock.advance({ minutes: 30 });
    expect((await waiterRow(sdk)).waitsFor).toMatchObject([{ since: "2026-12-01T12:30:00.000Z" }]);
    gate.open();
    expect(await gate.arrival()).toBe("waiter");
  });

  it("not when that run is over: a later one belongs to the next period", async () => {
    const { sdk, clock, gate } = await arrange({ cron: "30 * * * *" }, hourly);
    gate.open();
    clock.advance({ minutes: 30 });
    await finalRows(sdk, "awaited", 1);
    clock.advance({ minutes: 30 });
    expect((await finalRow(sdk, await waiterRow(sdk))).status).toBe("completed");
  });

  it("not when it has never been due, be it made at an instant of its own schedule", async () => {
    const { sdk } = await arrange(hourly, {});
    expect((await finalRow(sdk, await sdk.batches.run("waiter"))).status).toBe("completed");
  });

  it("whatever becomes of its run", async () => {
    const { sdk, clock, gate } = await arrange({ ...hourly, args: ["1"] }, hourly);
    clock.advance({ hours: 1 });
    await gate.arrival();
    gate.open();
    expect((await finalRow(sdk, await waiterRow(sdk))).status).toBe("completed");
    expect(await finalRows(sdk, "awaited", 1)).toMatchObject([{ status: "failed" }]);
  });

  it("through all attempts of its run", async () => {
    const { sdk, clock, gate } = await arrange({ ...hourly, args: ["1"], retry: { attempts: 2 } }, hourly);
    clock.advance({ hours: 1 });
    await gate.arrival();
    gate.open();
    await expect.poll(async () => (await sdk.executions.list({ status: "queued" })).items.length, PATIENCE).toBe(1);
    expect((await waiterRow(sdk)).status).toBe("waiting");
    clock.advance({ seconds: 10 });
    expect(await gate.arrival()).toBe("awaited");
    gate.open();
    expect(await gate.arrival()).toBe("waiter");
  });
});

describe("a batch without a schedule is waited for", () => {
  it("until it has been run since the waiting batch's own instant before", async () => {
    const { sdk, clock, gate } = await arrange({}, hourly);
    gate.open(2);
    await finalRow(sdk, await sdk.batches.run("awaited"));
    clock.advance({ hours: 1, minutes: 30 });
    // It ran at noon, and noon is when this period began.
    expect(await finalRow(sdk, await waiterRow(sdk))).toMatchObject({ status: "completed", scheduledAt: hour(13) });
    clock.set(hour(14));
    const waiting = async () => (await sdk.executions.list({ status: "waiting" })).items;
    await expect.poll(async () => (await waiting()).length, PATIENCE).toBe(1);
    expect((await waiting())[0]?.waitsFor).toMatchObject([{ since: hour(13) }]);
    await sdk.batches.run("awaited");
    const rows = await finalRows(sdk, "waiter", 2);
    expect(rows.map(({ status }) => status)).toEqual(["completed", "completed"]);
  });

  it("until it has been run today, if neither has a schedule", async () => {
    const { sdk, clock, gate } = await arrange({}, { timeZone: "Europe/Berlin" });
    gate.open(2);
    await finalRow(sdk, await sdk.batches.run("awaited"));
    expect((await finalRow(sdk, await sdk.batches.run("waiter"))).status).toBe("completed");
    clock.set("2026-12-01T23:30:00Z");
    const row = await sdk.batches.run("waiter");
    expect(row).toMatchObject({ status: "waiting", waitsFor: [{ since: hour(23) }] });
    await sdk.batches.run("awaited");
    expect((await finalRow(sdk, row)).status).toBe("completed");
  });
});

it("waits as long as anything of that batch is under way, though a run of this period is over", async () => {
  const { sdk, gate } = await arrange({ overlap: "allow" }, {});
  gate.open();
  await finalRow(sdk, await sdk.batches.run("awaited"));
  await gate.arrival();
  await sdk.batches.run("awaited");
  await gate.arrival();
  const row = await sdk.batches.run("waiter");
  expect(row.status).toBe("waiting");
  gate.open();
  expect((await finalRow(sdk, row)).status).toBe("completed");
});

it("waits for all of several", async () => {
  const { sdk } = await startApp();
  const names = ["a", "b"];
  for (const name of names) await sdk.batches.create(nothing, { name });
  await sdk.batches.create(nothing, { name: "waiter", waitFor: names });
  const row = await sdk.batches.run("waiter");
  expect(row.waitsFor.map(({ batchName }) => batchName)).toEqual(names);
  await finalRow(sdk, await sdk.batches.run("b"));
  expect((await sdk.executions.get(row.id)).status).toBe("waiting");
  await sdk.batches.run("a");
  expect((await finalRow(sdk, row)).status).toBe("completed");
});

it("waits in vain for a batch that is deleted, and says so", async () => {
  const { sdk } = await arrange({}, {});
  const row = await sdk.batches.run("waiter");
  expect(row.status).toBe("waiting");
  await sdk.batches.remove("awaited");
  expect(await finalRow(sdk, row)).toMatchObject({
    status: "skipped",
    reason: { code: "waited_in_vain", text: 'It waited for "Awaited", which was deleted meanwhile.' },
  });
});

it("can be cancelled while it waits, and what it waited for changes nothing any more", async () => {
  const { sdk, gate } = await arrange({}, {});
  const row = await sdk.batches.run("waiter");
  expect(await sdk.executions.cancel(row.id)).toMatchObject({ status: "cancelled", startedAt: null });
  gate.open();
  await finalRow(sdk, await sdk.batches.run("awaited"));
  expect((await sdk.executions.get(row.id)).status).toBe("cancelled");
});

it("is active while it waits: overlap counts it", async () => {
  const { sdk } = await arrange({}, {});
  await sdk.batches.run("waiter");
  expect(await sdk.batches.run("waiter")).toMatchObject({ status: "skipped", reason: { code: "overlap" } });
});

it("is released by another service than that which made it wait", async () => {
  const first = await arrange({}, {});
  const second = await first.another();
  const row = await first.sdk.batches.run("waiter");
  expect(row.status).toBe("waiting");
  await first.stop();
  first.gate.open();
  await second.sdk.batches.run("awaited");
  expect((await finalRow(second.sdk, row)).status).toBe("completed");
});

it("is released after a restart, when what it waits for has ended meanwhile", async () => {
  const first = await arrange({}, {});
  const run = await first.sdk.batches.run("awaited");
  const row = await first.sdk.batches.run("waiter");
  expect([await first.gate.arrival(), row.status]).toEqual(["awaited", "waiting"]);
  await first.stop();
  first.gate.open();
  const { sdk } = await first.restart();
  expect((await finalRow(sdk, run)).status).toBe("completed");
  expect((await finalRow(sdk, row)).status).toBe("completed");
});
