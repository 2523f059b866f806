// The gap of a pause: the planned instants that passed while a batch was disabled, and that left no row.
import { expect, it } from "vitest";
import { Trigger } from "../../src/entities/trigger.js";
import { gapOccurrences } from "../../src/services/gap.js";
import { startApp } from "../support/app.js";
import { uploadChain } from "../support/chains.js";
import { finalRows } from "../support/ledger.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const nothing = await scriptZip("true");
const hour = (time: number) => `2026-12-01T${time}:00:00.000Z`;

it("lists what was planned since it was disabled, up to now, and what ran before is not in it", async () => {
  const { sdk, clock } = await startApp();
  await sdk.batches.create(nothing, { name: "b", cron: "0 * * * *" });
  clock.advance({ hours: 1 });
  await finalRows(sdk, "b", 1);
  expect(await sdk.batches.gap("b")).toMatchObject({ disabledAt: null, occurrences: [], count: 0, more: false });
  await sdk.batches.disable("b");
  expect(await sdk.batches.gap("b")).toMatchObject({ disabledAt: hour(13), occurrences: [], count: 0 });
  clock.advance({ hours: 3 });
  const gap = await sdk.batches.gap("b");
  expect(gap).toMatchObject({ batch: { name: "b" }, disabledAt: hour(13), count: 3, more: false });
  expect(gap.occurrences).toEqual([14, 15, 16].map(hour));
});

it("is closed by enabling, and a new pause begins a new one", async () => {
  const { sdk, clock } = await startApp();
  await sdk.batches.create(nothing, { name: "b", cron: "0 * * * *" });
  await sdk.batches.disable("b");
  clock.advance({ hours: 2 });
  await sdk.batches.enable("b");
  expect(await sdk.batches.gap("b")).toMatchObject({ disabledAt: null, occurrences: [], count: 0 });
  await sdk.batches.disable("b");
  clock.advance({ hours: 1 });
  expect((await sdk.batches.gap("b")).occurrences).toEqual([hour(15)]);
});

it("is that of the disabled batch, not of those after it", async () => {
  const { sdk, clock } = await startApp();
  await uploadChain(sdk, { name: "a", cron: "0 * * * *", lines: ["true"] }, { name: "b", lines: ["true"] });
  await sdk.batches.disable("a");
  clock.advance({ hours: 1 });
  expect((await sdk.batches.gap("a")).occurrences).toEqual([hour(13)]);
  expect(await sdk.batches.gap("b")).toMatchObject({ disabledAt: null, occurrences: [], count: 0 });
});

it("shows the first 1000, and counts up to 100,000", async () => {
  const { sdk, clock } = await startApp();
  await sdk.batches.create(nothing, { name: "b", cron: "* * * * * *" });
  await sdk.batches.disable("b");
  clock.advance({ seconds: 1500 });
  const gap = await sdk.batches.gap("b");
  expect([gap.occurrences.length, gap.count, gap.more]).toEqual([1000, 1500, false]);
  expect([gap.occurrences[0], gap.occurrences.at(-1)]).toEqual([
    "2026-12-01T12:00:01.000Z",
    "2026-12-01T12:16:40.000Z",
  ]);
  clock.advance({ days: 2 });
  expect(await sdk.batches.gap("b")).toMatchObject({ count: 100_000, more: true });
});

it("of an unknown batch is refused", async () => {
  const app = await startApp();
  expect((await problemOf(await app.request("/api/v1/batches/ghost/gap"))).status).toBe(404);
});

it("of one trigger is its occurrences in order, at most as many as asked, and none if it has no gap", () => {
  const from = Date.parse(hour(13));
  const trigger = Object.assign(new Trigger(), {
    ...{ id: 1, batchId: 1, kind: "cron", expression: "0 * * * *", timeZone: "UTC", dst: "next_valid", onceAt: null },
    gapFrom: from,
  });
  const at = (count: number) => from + count * 3_600_000;
  expect(gapOccurrences(trigger, at(2), 3)).toEqual({ instants: [at(0), at(1), at(2)], more: false });
  expect(gapOccurrences(trigger, at(2), 2)).toEqual({ instants: [at(0), at(1)], more: true });
  expect(gapOccurrences(trigger, from - 1, 5)).toEqual({ instants: [], more: false });
  expect(gapOccurrences(Object.assign(trigger, { gapFrom: null }), at(2), 5)).toEqual({ instants: [], more: false });
});
