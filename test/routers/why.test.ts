// Why: every condition of a batch at an instant, past or future, from the rows of a real service.
import { describe, expect, it } from "vitest";
import { Database } from "../../src/database/database.js";
import type { BatchConfigInput, WhyView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { uploadChain } from "../support/chains.js";
import { FakeClock } from "../support/fake-clock.js";
import { Gate } from "../support/gate.js";
import { finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const nothing = await scriptZip("true");
const instant = (time: string) => `2026-12-01T${time}:00.000Z`;

/** The texts of the conditions, by code, with `+`, `-` or `?` for met, unmet and not to be said. */
function conditions({ conditions: all }: WhyView): Record<string, string> {
  const mark = (met: boolean | null) => (met === null ? "?" : met ? "+" : "-");
  return Object.fromEntries(all.map(({ code, met, text }) => [code, `${mark(met)} ${text}`]));
}

async function hourly({ sdk }: TestApp, config: Partial<BatchConfigInput> = {}): Promise<void> {
  await sdk.batches.create(nothing, { name: "b", cron: "0 * * * *", ...config });
}

describe("an instant in the past", () => {
  it("means the execution planned exactly then, or within its minute, and tells how it came to run", async () => {
    const app = await startApp();
    const { sdk, clock } = app;
    await hourly(app, { timeZone: "Europe/Berlin" });
    clock.advance({ hours: 1 });
    const [row] = await finalRows(sdk, "b", 1);
    for (const at of [instant("13:00"), "2026-12-01T13:00:42Z", undefined]) {
      const why = await sdk.batches.why("b", at);
      expect(why, at ?? "now").toMatchObject({ batch: { name: "b" }, outcome: "ran", execution: { id: row?.id } });
      expect(why.at).toBe(at === undefined ? instant("13:00") : new Date(at).toISOString());
    }
    const why = await sdk.batches.why("b", instant("13:00"));
    expect(why.summary).toBe(
      `It ran as execution ${row?.id ?? 0}, started at 2026-12-01 14:00:00 Europe/Berlin (${instant("13:00")}) and ended as completed.`,
    );
    expect(conditions(why)).toMatchObject({
      existed: expect.stringMatching(/^\+ It exists since 2026-12-01 13:00:00 Europe\/Berlin/) as string,
      enabled: expect.stringMatching(/^\+ Neither/) as string,
      occurrence: expect.stringMatching(/^\+ A run was planned for .*, exactly then\.$/) as string,
      slot: expect.stringMatching(/^\+ The service runs at most 2 scripts at once; it got a slot/) as string,
      misfire: expect.stringMatching(/^\+ Up to 1m late is on time/) as string,
    });
  });

  it("with nothing planned says so, with the planned instants around it", async () => {
    const app = await startApp();
    await hourly(app);
    app.clock.advance({ hours: 1 });
    await finalRows(app.sdk, "b", 1);
    app.clock.advance({ minutes: 40 });
    const why = await app.sdk.batches.why("b", instant("13:30"));
    expect(why).toMatchObject({ outcome: "did_not_run", execution: null });
    expect(conditions(why)["occurrence"]).toBe(
      `- No run was planned for ${instant("13:30")}: the one before is ${instant("13:00")}, the next one is ${instant("14:00")}.`,
    );
    expect(await app.sdk.batches.why("b", instant("11:00"))).toMatchObject({
      outcome: "did_not_run",
      summary: expect.stringContaining(`It was uploaded at ${instant("12:00")}`) as string,
    });
  });

  it("means what was active then, if nothing was planned: here a run that somebody asked for", async () => {
    const app = await startApp();
    const gate = await Gate.make();
    await app.sdk.batches.create(await scriptZip(gate.pass()), { name: "b" });
    const asked = await app.sdk.batches.run("b");
    await gate.arrival();
    app.clock.advance({ minutes: 30 });
    expect(await app.sdk.batches.why("b")).toMatchObject({ outcome: "running", execution: { id: asked.id } });
    gate.open();
    await app.ended(asked);
    app.clock.advance({ hours: 1 });
    const why = await app.sdk.batches.why("b", instant("12:10"));
    expect(why).toMatchObject({ outcome: "ran", execution: { id: asked.id } });
    expect(conditions(why)["occurrence"]).toMatch(/^\? This run was not planned: administrator asked for it/);
    expect(await app.sdk.batches.why("b", instant("13:10"))).toMatchObject({ outcome: "did_not_run", execution: null });
  });

  it("of a disabled batch names who disabled it and when, also for a batch after it", async () => {
    const { sdk, clock } = await startApp();
    await uploadChain(sdk, { name: "a", cron: "0 * * * *", lines: ["true"] }, { name: "b", lines: ["true"] });
    clock.advance({ minutes: 10 });
    await sdk.batches.disable("a");
    clock.advance({ hours: 2 });
    const why = await sdk.batches.why("a", instant("13:00"));
    expect(why.outcome).toBe("did_not_run");
    expect(conditions(why)["enabled"]).toBe(`- It was disabled by administrator at ${instant("12:10")}.`);
    expect(conditions(await sdk.batches.why("b", instant("13:00")))["enabled"]).toMatch(
      /^- It comes after "a" \(batch \d+\), which was disabled by administrator at 2026-12-01T12:10/,
    );
    await sdk.batches.enable("a");
    expect(conditions(await sdk.batches.why("a", instant("13:00")))["enabled"]).toMatch(/^- It was disabled/);
    expect(conditions(await sdk.batches.why("a", instant("12:05")))["enabled"]).toMatch(/^\+/);
    expect(await sdk.batches.why("a", instant("15:00"))).toMatchObject({ outcome: "will_run" });
  });

  it("tells an overlap with the execution that stood in the way", async () => {
    const { sdk, clock } = await startApp();
    const gate = await Gate.make();
    await sdk.batches.create(await scriptZip(gate.pass()), { name: "b", cron: "0 * * * *" });
    clock.advance({ hours: 1 });
    await gate.arrival();
    clock.advance({ hours: 1 });
    await expect.poll(async () => (await sdk.executions.list({ status: "skipped" })).items.length, PATIENCE).toBe(1);
    const [running] = (await sdk.executions.list({ status: "running" })).items;
    const why = await sdk.batches.why("b", instant("14:00"));
    expect(why).toMatchObject({ outcome: "did_not_run", execution: { status: "skipped" } });
    expect(conditions(why)["overlap"]).toBe(
      `- Execution ${running?.id ?? 0} of this batch had not ended, and overlap is "skip".`,
    );
    expect(conditions(why)["reason"]).toMatch(/^- overlap: /);
    gate.open();
    await finalRows(sdk, "b", 2);
  });

  it("of a successor means its execution in the chain run that began then, with what its predecessor did", async () => {
    const { sdk, clock } = await startApp();
    await uploadChain(sdk, { name: "a", cron: "0 * * * *", lines: ["exit 3"] }, { name: "b", lines: ["true"] });
    clock.advance({ hours: 1 });
    const [failed] = await finalRows(sdk, "a", 1);
    await finalRows(sdk, "b", 1);
    const why = await sdk.batches.why("b", instant("13:00"));
    expect(why).toMatchObject({ outcome: "did_not_run", execution: { batchName: "b", status: "aborted" } });
    expect(conditions(why)["predecessor"]).toBe(
      `- Its predecessor "a" (execution ${failed?.id ?? 0}) failed with exit code 3; this batch runs only if it succeeds.`,
    );
  });

  it("tells who waits for a slot, and how many are taken", async () => {
    const { sdk } = await startApp({ CONCURRENCY: "1" });
    const gate = await Gate.make();
    await sdk.batches.create(await scriptZip(gate.pass()), { name: "long" });
    await sdk.batches.create(nothing, { name: "b" });
    await sdk.batches.run("long");
    await gate.arrival();
    const queued = await sdk.batches.run("b");
    const why = await sdk.batches.why("b");
    expect(why).toMatchObject({ outcome: "queued", execution: { id: queued.id } });
    expect(conditions(why)["slot"]).toBe("- The service runs at most 1 scripts at once; 1 run at the moment.");
    expect(why.summary).toContain("The service runs at most 1 scripts at once");
    gate.open();
    await finalRows(sdk, "b", 1);
    expect(conditions(await sdk.batches.why("b"))["slot"]).toMatch(/^\+ .*got a slot/);
  });

  it("tells what stands against it: whom it requires, whom it excludes, for whom it waits", async () => {
    const app = await startApp();
    const { sdk } = app;
    const gate = await Gate.make();
    await sdk.batches.create(await scriptZip(gate.pass()), { name: "other" });
    await sdk.batches.create(nothing, { name: "needs", requires: ["other"] });
    await sdk.batches.create(nothing, { name: "alone", excludes: ["other"] });
    await sdk.batches.create(nothing, { name: "patient", waitFor: ["other"] });
    await app.ended(await sdk.batches.run("needs"));
    expect(conditions(await sdk.batches.why("needs"))["requires"]).toMatch(/^- .*"other", which has never completed/);
    const other = await sdk.batches.run("other");
    await gate.arrival();
    await app.ended(await sdk.batches.run("alone"));
    expect(conditions(await sdk.batches.why("alone"))["excludes"]).toContain(
      `whose execution ${other.id} had not ended`,
    );
    const waiting = await sdk.batches.run("patient");
    const why = await sdk.batches.why("patient");
    expect(why).toMatchObject({ outcome: "waiting", execution: { id: waiting.id, status: "waiting" } });
    expect(why.summary).toMatch(/still waits for "other", a run from 2026-12-01T00:00:00\.000Z on/);
    expect(conditions(why)["waits"]).toMatch(/^- /);
    gate.open();
    await app.ended(waiting);
    expect(conditions(await sdk.batches.why("patient"))["waits"]).toMatch(/^\+ .*that had ended/);
  });

  it("keeps what no event tells any more: since when a batch is disabled, though not by whom", async () => {
    const app = await startApp();
    await hourly(app);
    await app.sdk.batches.disable("b");
    const database = await Database.open(app.config.databaseUrl);
    await database.write(({ manager }) => manager.query("DELETE FROM events"));
    await database.close();
    expect(conditions(await app.sdk.batches.why("b"))["enabled"]).toBe(`- It was disabled at ${instant("12:00")}.`);
  });
});

describe("an instant in the future", () => {
  it("will run if it is planned and nothing known stands against it, and says what cannot be known", async () => {
    const app = await startApp();
    await app.sdk.batches.create(nothing, { name: "r" });
    await app.sdk.batches.create(nothing, { name: "x" });
    await hourly(app, { requires: ["r"], excludes: ["x"], waitFor: ["x"] });
    const before = await app.sdk.batches.why("b", instant("15:00"));
    expect(before).toMatchObject({ outcome: "unknown", execution: null });
    expect(conditions(before)["requires"]).toMatch(/^- .*"r" has not completed.*Unless that changes/);
    await app.ended(await app.sdk.batches.run("r"));
    const why = await app.sdk.batches.why("b", instant("15:00"));
    expect(why).toMatchObject({ outcome: "will_run", summary: `It will run: it is planned at ${instant("15:00")}.` });
    const marks = Object.entries(conditions(why)).map(([code, text]) => code + text[0]!);
    expect(marks).toEqual([
      ...["existed+", "enabled+", "occurrence+", "predecessor?", "overlap?", "concurrency?", "slot?"],
      ...["requires+", "excludes?", "waits?", "misfire?", "retry?", "reason?"],
    ]);
  });

  it("will not run if nothing is planned, it is disabled, or it has no schedule", async () => {
    const app = await startApp();
    await hourly(app);
    await app.sdk.batches.create(nothing, { name: "by hand" });
    expect(await app.sdk.batches.why("b", instant("15:30"))).toMatchObject({ outcome: "will_not_run" });
    expect(await app.sdk.batches.why("by hand", instant("15:00"))).toMatchObject({ outcome: "will_not_run" });
    await app.sdk.batches.disable("b");
    const why = await app.sdk.batches.why("b", instant("15:00"));
    expect(why.summary).toMatch(/^It will not run on its own then\. It was disabled by administrator/);
  });

  it("of a successor is told by its head's plan", async () => {
    const { sdk } = await startApp();
    await uploadChain(sdk, { name: "a", cron: "0 * * * *", lines: ["true"] }, { name: "b", lines: ["true"] });
    expect(await sdk.batches.why("b", instant("15:00"))).toMatchObject({
      outcome: "will_run",
      summary: `It will run: its chain starts with "a" at ${instant("15:00")}.`,
    });
    expect(await sdk.batches.why("b", instant("15:20"))).toMatchObject({ outcome: "unknown" });
  });

  it("that is planned is told from what ran within the same minute", async () => {
    const app = await startApp({}, new FakeClock("2026-12-01T12:00:10Z"));
    await app.sdk.batches.create(nothing, { name: "b", cron: "*/20 * * * * *" });
    app.clock.advance({ seconds: 10 });
    await finalRows(app.sdk, "b", 1);
    expect(await app.sdk.batches.why("b", "2026-12-01T12:00:25Z")).toMatchObject({ outcome: "ran" });
    expect(await app.sdk.batches.why("b", "2026-12-01T12:00:40Z")).toMatchObject({
      outcome: "will_run",
      execution: null,
    });
  });
});

it("an unknown batch and an odd instant are refused", async () => {
  const app = await startApp();
  expect((await problemOf(await app.request("/api/v1/batches/ghost/why"))).status).toBe(404);
  const odd = await problemOf(await app.request("/api/v1/batches/ghost/why?at=noon"));
  expect([odd.status, odd.errors[0]?.pointer]).toEqual([400, "query/at"]);
});
