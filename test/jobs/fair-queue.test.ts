// Whose turn it is: no batch starves another, and no more scripts run than there are slots, for all and for each batch.
import { describe, expect, it } from "vitest";
import type { BatchConfigInput, BatchlineClient } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

/** A batch whose script says at the gate what it is called, and waits there. */
async function upload(sdk: BatchlineClient, gate: Gate, name: string, config: Partial<BatchConfigInput> = {}) {
  await sdk.batches.create(await scriptZip(gate.pass("$BATCHLINE_BATCH")), { overlap: "allow", ...config, name });
}

/** Asks for so many runs, one after the other. */
async function ask(sdk: BatchlineClient, name: string, count = 1): Promise<void> {
  for (let i = 0; i < count; i++) await sdk.batches.run(name);
}

/** What comes to the gate next, each being let through. */
async function next(gate: Gate, count: number): Promise<string[]> {
  const arrived: string[] = [];
  for (let i = 0; i < count; i++) {
    gate.open();
    arrived.push(await gate.arrival());
  }
  return arrived;
}

describe("with one slot", () => {
  it("200 of one batch do not hold up the one of another", async () => {
    const { sdk } = await startApp({ CONCURRENCY: "1" });
    const gate = await Gate.make();
    for (const name of ["first", "greedy", "modest"]) await upload(sdk, gate, name);
    await ask(sdk, "first");
    await gate.arrival();
    await Promise.all(Array.from({ length: 200 }, () => sdk.batches.run("greedy")));
    await ask(sdk, "modest");
    expect(await next(gate, 3)).toEqual(["greedy", "modest", "greedy"]);
    await ask(sdk, "modest", 2);
    expect(await next(gate, 4)).toEqual(["modest", "greedy", "modest", "greedy"]);
  });

  it("batches with many each take turns, in the order in which they came", async () => {
    const { sdk } = await startApp({ CONCURRENCY: "1" });
    const gate = await Gate.make();
    for (const name of ["first", "a", "b", "c"]) await upload(sdk, gate, name);
    await ask(sdk, "first");
    await gate.arrival();
    for (const name of ["a", "b", "c"]) await ask(sdk, name, 3);
    expect((await next(gate, 9)).join("")).toBe("abcabcabc");
    gate.open();
    await finalRows(sdk, "c", 3);
  });

  it("nothing is held up by a run that waits for its batch's limit", async () => {
    const { sdk } = await startApp({ CONCURRENCY: "2" });
    const gate = await Gate.make();
    const slow = await Gate.make();
    await upload(sdk, slow, "slow", { overlap: "queue" });
    await upload(sdk, gate, "quick");
    await ask(sdk, "slow", 3);
    expect(await slow.arrival()).toBe("slow");
    await ask(sdk, "quick", 3);
    expect(await gate.arrival()).toBe("quick");
    expect(await next(gate, 2)).toEqual(["quick", "quick"]);
    gate.open();
    expect(await next(slow, 2)).toEqual(["slow", "slow"]);
    slow.open();
    await finalRows(sdk, "slow", 3);
  });
});

describe("a batch's own concurrency", () => {
  const limited = { concurrency: 2 } as const;

  it.each([
    ["skip", ["running", "running", "skipped"]],
    ["queue", ["running", "running", "queued"]],
    ["allow", ["running", "running", "queued"]],
    ["replace", ["cancelled", "running", "running"]],
  ] as const)("of 2, with overlap `%s`: what a third run meets", async (overlap, expected) => {
    const { sdk } = await startApp({ CONCURRENCY: "4" });
    const gate = await Gate.make();
    await upload(sdk, gate, "batch", { ...limited, overlap });
    await ask(sdk, "batch", 2);
    await Promise.all([gate.arrival(), gate.arrival()]);
    const third = await sdk.batches.run("batch");
    if (overlap === "replace") await gate.arrival();
    const rows = (await sdk.executions.list({ batch: "batch" })).items.reverse();
    expect(rows.map(({ status }) => status)).toEqual(expected);
    gate.open(3);
    expect((await finalRow(sdk, third)).status).toBe(overlap === "skip" ? "skipped" : "completed");
    await finalRows(sdk, "batch", 3);
  });

  it("is counted from rows: a restart neither forgets a running one nor leaks its place", async () => {
    const first = await startApp({ CONCURRENCY: "4" });
    const gate = await Gate.make();
    await upload(first.sdk, gate, "batch", { ...limited, overlap: "queue" });
    await ask(first.sdk, "batch", 5);
    await Promise.all([gate.arrival(), gate.arrival()]);
    const { sdk } = await first.restart();
    await ask(sdk, "batch");
    const running = async () => (await sdk.executions.list({ status: "running" })).items.map(({ number }) => number);
    expect((await running()).sort()).toEqual([1, 2]);
    for (let started = 3; started <= 6; started++) {
      gate.open();
      await gate.arrival();
      expect(await running()).toHaveLength(2);
    }
    gate.open(2);
    const rows = await finalRows(sdk, "batch", 6);
    expect(rows.map(({ status }) => status)).toEqual(Array(6).fill("completed"));
  });
});

it("never runs more scripts at once than CONCURRENCY, however many are asked for at the same time", async () => {
  const { sdk, events } = await startApp({ CONCURRENCY: "3" });
  const names = ["a", "b", "c", "d"];
  const zip = await scriptZip("true");
  for (const name of names) await sdk.batches.create(zip, { name, overlap: "allow" });
  await Promise.all(names.flatMap((name) => Array.from({ length: 10 }, () => sdk.batches.run(name))));
  for (const name of names) await finalRows(sdk, name, 10);
  let running = 0;
  const most = events.seen.reduce((peak, { kind }) => {
    running += kind === "execution.started" ? 1 : kind === "execution.finished" ? -1 : 0;
    return Math.max(peak, running);
  }, 0);
  expect([most, running]).toEqual([3, 0]);
});

it("one that waits for its next attempt does not keep the line from going on", async () => {
  const { sdk } = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await sdk.batches.create(await scriptZip("exit 1"), { name: "failing", retry: { attempts: 2, delay: "1h" } });
  for (const name of ["greedy", "eager"]) {
    await sdk.batches.create(await scriptZip(gate.pass(name)), { name, overlap: "allow" });
  }
  const run = await sdk.batches.run("failing");
  await expect.poll(async () => (await sdk.executions.get(run.id)).reason?.code, PATIENCE).toBe("retry");
  for (let i = 0; i < 8; i++) await sdk.batches.run("greedy");
  await sdk.batches.run("eager");
  const order = [await gate.arrival()];
  for (let i = 0; i < 9; i++) {
    gate.open();
    order.push(await gate.arrival());
    if (order.at(-1) === "eager") await sdk.batches.run("eager");
  }
  expect(order.map((name) => name[0]).join("")).toBe("gegegegege");
});
