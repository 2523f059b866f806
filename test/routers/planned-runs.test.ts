// Planned runs: what should run in a window, chains and expected durations included, and in the past beside what did.
import { describe, expect, it } from "vitest";
import type { PlannedRunsView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { passOf, uploadChain } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRows } from "../support/ledger.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const nothing = await scriptZip("true");
const hour = (time: string) => `2026-12-01T${time}:00.000Z`;

/** `planned batch: expected start-end, status`, times of day without a date. */
function lines({ items }: PlannedRunsView): string[] {
  const time = (instant: string | null) => instant?.slice(11, 16) ?? "?";
  return items.map(({ plannedAt, batch, expected, execution }) => {
    const span = expected ? `${time(expected.startAt)}-${time(expected.endAt)}` : "not expected";
    return `${time(plannedAt)} ${batch.name}: ${span}${execution ? `, ${execution.status}` : ""}`;
  });
}

/** Every page from the first on, and each page's size. */
async function pages({ sdk }: TestApp, query: Parameters<TestApp["sdk"]["plannedRuns"]["list"]>[0]) {
  const all: string[] = [];
  const sizes: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await sdk.plannedRuns.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    all.push(...lines(page));
    sizes.push(page.items.length);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && sizes.length < 50);
  return { all, sizes };
}

describe("what is to come", () => {
  it("is listed from the watermarks on, oldest first, for 24 hours if nothing else is asked", async () => {
    const { sdk } = await startApp();
    await sdk.batches.create(nothing, { name: "late", cron: "0 11 * * *" });
    await sdk.batches.create(nothing, { name: "six", cron: "0 */6 * * *" });
    await sdk.batches.create(nothing, { name: "once", at: "2026-12-01T14:30:00+01:00" });
    await sdk.batches.create(nothing, { name: "by hand" });
    const page = await sdk.plannedRuns.list();
    expect([page.from, page.to, page.next]).toEqual([hour("12:00"), "2026-12-02T12:00:00.000Z", null]);
    expect(lines(page)).toEqual([
      "13:30 once: 13:30-?",
      "18:00 six: 18:00-?",
      "00:00 six: 00:00-?",
      "06:00 six: 06:00-?",
      "11:00 late: 11:00-?",
    ]);
    expect(page.items[0]).toMatchObject({ trigger: { kind: "once" }, chain: null, execution: null });
    const far = await sdk.plannedRuns.list({ from: "2027-06-01T05:00:00Z", to: "2027-06-01T12:00:00Z" });
    expect(far.items.map(({ plannedAt }) => plannedAt)).toEqual([
      "2027-06-01T06:00:00.000Z",
      "2027-06-01T11:00:00.000Z",
    ]);
  });

  it("leaves out what is disabled, and a successor that is", async () => {
    const { sdk } = await startApp();
    await uploadChain(sdk, { name: "a", cron: "0 * * * *", lines: ["true"] }, { name: "b", lines: ["true"] });
    const window = { to: hour("13:01") };
    expect(lines(await sdk.plannedRuns.list(window))).toEqual(["13:00 a: 13:00-?", "13:00 b: ?-?"]);
    await sdk.batches.disable("b");
    expect(lines(await sdk.plannedRuns.list(window))).toEqual(["13:00 a: 13:00-?"]);
    await sdk.batches.disable("a");
    expect(lines(await sdk.plannedRuns.list(window))).toEqual([]);
  });

  it("expects durations from history, along the chain, and no batch that runs after a failure only", async () => {
    const app = await startApp();
    const { sdk, clock } = app;
    const gate = await Gate.make();
    await uploadChain(
      sdk,
      { name: "a", cron: "0 20 * * *", lines: [gate.pass()] },
      { name: "b", lines: [gate.pass()] },
      { name: "c", after: ["a"], runOn: "failure", lines: ["true"] },
      { name: "d", after: ["b", "c"], runOn: "always", lines: ["true"] },
    );
    const first = await sdk.batches.run("a", { successors: true });
    for (const minutes of [10, 25]) {
      await gate.arrival();
      clock.advance({ minutes });
      gate.open();
    }
    await passOf(sdk, await app.ended(first));
    expect(lines(await sdk.plannedRuns.list())).toEqual([
      "20:00 a: 20:00-20:10",
      "20:00 b: 20:10-20:35",
      "20:00 d: 20:35-20:35",
    ]);
    const [a, b, d] = (await sdk.plannedRuns.list()).items;
    expect(a).toMatchObject({
      chain: { headBatchId: a?.batch.id, afterBatchIds: [] },
      expected: { durationMs: 600_000 },
    });
    expect(b).toMatchObject({ chain: { headBatchId: a?.batch.id, afterBatchIds: [a?.batch.id] }, trigger: null });
    expect(d?.chain?.afterBatchIds).toHaveLength(2);
  });
});

it("what has passed stands beside what became of it, chain runs as they were, and goes on into what is to come", async () => {
  const { sdk, clock } = await startApp();
  await uploadChain(
    sdk,
    { name: "a", cron: "0 * * * *", lines: ["exit 3"] },
    { name: "b", lines: ["true"] },
    { name: "mend", after: ["a"], runOn: "failure", lines: ["true"] },
  );
  clock.advance({ hours: 1 });
  for (const name of ["a", "b", "mend"]) await finalRows(sdk, name, 1);
  const page = await sdk.plannedRuns.list({ from: hour("12:30"), to: hour("14:30") });
  expect(lines(page)).toEqual([
    "13:00 a: 13:00-?, failed",
    "13:00 b: ?-?, aborted",
    "13:00 mend: not expected, completed",
    "14:00 a: 14:00-?",
    "14:00 b: ?-?",
  ]);
  expect(page.items[0]?.execution).toMatchObject({ reason: { code: "exit_code" }, durationMs: 0 });
  expect(page.items[1]?.execution).toMatchObject({ reason: { code: "predecessor_failed" }, startedAt: null });
  // The ledger keeps what a deletion takes out of the plan.
  await sdk.batches.remove("a");
  expect(lines(await sdk.plannedRuns.list({ from: hour("12:30"), to: hour("14:30") }))).toEqual([
    "13:00 a: 13:00-?, failed",
    "13:00 b: ?-?, aborted",
    "13:00 mend: not expected, completed",
  ]);
});

describe("pages", () => {
  it("cut anywhere, also among runs of the same instant and inside a chain, miss nothing and repeat nothing", async () => {
    const app = await startApp();
    const { sdk, clock } = app;
    for (const name of ["x", "y", "z"]) await sdk.batches.create(nothing, { name, cron: "0 * * * *" });
    await uploadChain(
      sdk,
      { name: "a", cron: "0 * * * *", lines: ["true"] },
      { name: "b", lines: ["true"] },
      { name: "c", lines: ["true"] },
    );
    clock.advance({ hours: 1 });
    for (const name of ["x", "y", "z", "a", "b", "c"]) await finalRows(sdk, name, 1);
    const window = { from: hour("12:30"), to: hour("15:30") };
    const whole = await pages(app, window);
    expect(whole.sizes).toEqual([18]);
    expect(whole.all.map((line) => line.slice(0, 7))).toEqual(
      ["13:00", "14:00", "15:00"].flatMap((time) => ["x", "y", "z", "a", "b", "c"].map((name) => `${time} ${name}`)),
    );
    for (const limit of [1, 2, 4, 5, 7]) {
      const { all, sizes } = await pages(app, { ...window, limit });
      expect(all, `limit ${limit}`).toEqual(whole.all);
      expect(Math.max(...sizes)).toBe(limit);
    }
  });

  it("keep the window of the first, and a window of millions costs no more than its page", async () => {
    const { sdk, clock } = await startApp();
    for (const name of ["x", "y"]) await sdk.batches.create(nothing, { name, cron: "* * * * * *" });
    const first = await sdk.plannedRuns.list({ to: "2027-12-01T12:00:00Z", limit: 3 });
    expect(first.items.map(({ plannedAt, batch }) => `${plannedAt.slice(17, 19)}${batch.name}`)).toEqual([
      "01x",
      "01y",
      "02x",
    ]);
    await sdk.batches.disable("x");
    await sdk.batches.disable("y");
    await sdk.batches.enable("y");
    clock.advance({ ms: 10 });
    const second = await sdk.plannedRuns.list({ limit: 2, cursor: first.next ?? "" });
    expect([second.from, second.to]).toEqual([first.from, "2027-12-01T12:00:00.000Z"]);
    expect(second.items.map(({ plannedAt }) => plannedAt.slice(17, 19))).toEqual(["02", "03"]);
  });

  it("of one batch hold its runs alone, also as a successor", async () => {
    const app = await startApp();
    const { sdk, clock } = app;
    await sdk.batches.create(nothing, { name: "other", cron: "0 * * * *" });
    await uploadChain(sdk, { name: "a", cron: "0 * * * *", lines: ["true"] }, { name: "b", lines: ["true"] });
    clock.advance({ hours: 1 });
    for (const name of ["other", "a", "b"]) await finalRows(sdk, name, 1);
    const window = { from: hour("12:30"), to: hour("15:30"), limit: 2 };
    expect((await pages(app, { ...window, batch: "b" })).all).toEqual([
      "13:00 b: 13:00-13:00, completed",
      "14:00 b: 14:00-14:00",
      "15:00 b: 15:00-15:00",
    ]);
    expect((await pages(app, { ...window, batch: "a" })).all).toHaveLength(3);
    expect((await pages(app, { ...window, batch: "other" })).sizes).toEqual([2, 1]);
  });
});

it("a window that is empty, too long or no window at all is refused, and so is what is no cursor", async () => {
  const app = await startApp();
  const refused = async (query: string) => problemOf(await app.request(`/api/v1/planned-runs?${query}`));
  const cases: [query: string, pointer: string, message: RegExp][] = [
    ["to=2026-12-01T12:00:00Z", "query/to", /must lie after from/],
    ["from=2026-12-01T12:00:00Z&to=2027-12-03T12:00:00Z", "query/to", /at most 366 days after from/],
    ["from=yesterday", "query/from", /an instant such as/],
    ["limit=1001", "query/limit", /from 1 to 1000/],
    ["cursor=YWZ0ZXI6MQ", "query/cursor", /must be the `next`/],
  ];
  for (const [query, pointer, message] of cases) {
    const { status, code, errors } = await refused(query);
    expect([status, code, errors[0]?.pointer], query).toEqual([400, "invalid_request", pointer]);
    expect(errors[0]?.message, query).toMatch(message);
  }
  expect((await refused("batch=ghost")).status).toBe(404);
});
