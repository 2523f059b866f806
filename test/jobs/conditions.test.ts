// requires and excludes: what must have completed before, and what must not be active beside, wherever a run comes from.
import { describe, expect, it } from "vitest";
import type { BatchConfigInput, BatchlineClient } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { pass, statuses, uploadChain } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

const nothing = await scriptZip("true");

const upload = (sdk: BatchlineClient, name: string, config: Partial<BatchConfigInput> = {}, script = nothing) =>
  sdk.batches.create(script, { ...config, name });

describe("requires", () => {
  it("skips a run, with the name, until that batch has completed, be it with a warning", async () => {
    const { sdk } = await startApp();
    await upload(sdk, "First", { warningExitCodes: [3] }, await scriptZip("exit $1"));
    await upload(sdk, "second", { requires: ["first"] });
    expect(await sdk.batches.run("second")).toMatchObject({
      status: "skipped",
      reason: { code: "requires", text: 'It requires "First", which has never completed.' },
    });
    await finalRow(sdk, await sdk.batches.run("first", { args: ["1"] }));
    expect((await sdk.batches.run("second")).status).toBe("skipped");
    await finalRow(sdk, await sdk.batches.run("first", { args: ["3"] }));
    expect((await finalRow(sdk, await sdk.batches.run("second"))).status).toBe("completed");
    await finalRow(sdk, await sdk.batches.run("first", { args: ["1"] }));
    expect((await finalRow(sdk, await sdk.batches.run("second"))).status).toBe("completed");
  });

  it("names the first of several that is not there, and a deleted one as such", async () => {
    const { sdk } = await startApp();
    for (const name of ["a", "b", "c"]) await upload(sdk, name);
    await upload(sdk, "last", { requires: ["a", "b", "c"] });
    await finalRow(sdk, await sdk.batches.run("a"));
    expect((await sdk.batches.run("last")).reason?.text).toContain('"b"');
    await sdk.batches.remove("a");
    expect((await sdk.batches.run("last")).reason?.text).toBe('It requires "a", which does not exist.');
  });

  it("applies to what is planned and to what a chain starts", async () => {
    const { sdk, clock } = await startApp();
    await upload(sdk, "never");
    await upload(sdk, "planned", { cron: "0 * * * *", requires: ["never"] });
    await uploadChain(sdk, { name: "head", lines: [] }, { name: "next", requires: ["never"], lines: [] });
    clock.advance({ hours: 1 });
    expect(await finalRows(sdk, "planned", 1)).toMatchObject([{ status: "skipped", reason: { code: "requires" } }]);
    expect(statuses(await pass(sdk, "head"))).toEqual({ head: "completed", next: "skipped" });
  });
});

describe("excludes", () => {
  it("skips a run, with name and execution, while that batch is active", async () => {
    const { sdk } = await startApp();
    const gate = await Gate.make();
    await upload(sdk, "Busy", {}, await scriptZip(gate.pass()));
    await upload(sdk, "shy", { excludes: ["busy", "one that there is not"] });
    const busy = await sdk.batches.run("busy");
    await gate.arrival();
    expect(await sdk.batches.run("shy")).toMatchObject({
      status: "skipped",
      reason: { code: "excluded", text: `It excludes "Busy", whose execution ${busy.id} had not ended.` },
    });
    gate.open();
    await finalRow(sdk, busy);
    expect((await finalRow(sdk, await sdk.batches.run("shy"))).status).toBe("completed");
  });

  it("is asked once more when a queued run is about to start", async () => {
    const { sdk } = await startApp({ CONCURRENCY: "1" });
    const gate = await Gate.make();
    for (const name of ["blocker", "busy"]) await upload(sdk, name, {}, await scriptZip(gate.pass(name)));
    await upload(sdk, "shy", { excludes: ["busy"] });
    await sdk.batches.run("blocker");
    expect(await gate.arrival()).toBe("blocker");
    const shy = await sdk.batches.run("shy");
    const busy = await sdk.batches.run("busy");
    expect([shy.status, busy.status]).toEqual(["queued", "queued"]);
    gate.open();
    expect(await finalRow(sdk, shy)).toMatchObject({
      status: "skipped",
      reason: { code: "excluded" },
      startedAt: null,
    });
    expect(await gate.arrival()).toBe("busy");
    gate.open();
    expect((await finalRow(sdk, busy)).status).toBe("completed");
  });

  it("of two that exclude each other lets one run, when both are queued", async () => {
    const { sdk } = await startApp({ CONCURRENCY: "1" });
    const gate = await Gate.make();
    await upload(sdk, "blocker", {}, await scriptZip(gate.pass()));
    await sdk.batches.run("blocker");
    await gate.arrival();
    await upload(sdk, "left", { excludes: ["right"] });
    await upload(sdk, "right", { excludes: ["left"] });
    const left = await sdk.batches.run("left");
    const right = await sdk.batches.run("right");
    expect([left.status, right.status]).toEqual(["queued", "skipped"]);
    gate.open();
    expect((await finalRow(sdk, left)).status).toBe("completed");
  });

  it("lets the chain behind a run that it forbids at the last moment be decided", async () => {
    const { sdk } = await startApp({ CONCURRENCY: "1" });
    const gate = await Gate.make();
    for (const name of ["blocker", "busy"]) await upload(sdk, name, {}, await scriptZip(gate.pass(name)));
    const lines = ["true"];
    await uploadChain(sdk, { name: "shy", excludes: ["busy"], lines }, { name: "next", lines });
    await sdk.batches.run("blocker");
    await gate.arrival();
    const passes = pass(sdk, "shy");
    await expect.poll(async () => (await sdk.executions.list({ batch: "shy" })).items.length, PATIENCE).toBe(1);
    await sdk.batches.run("busy");
    gate.open(2);
    expect(await passes).toMatchObject({
      shy: { status: "skipped", reason: { code: "excluded" } },
      next: { status: "aborted", reason: { code: "predecessor_skipped" } },
    });
  });
});
