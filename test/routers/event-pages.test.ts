// Pages of events: whatever is written meanwhile, nothing of what was there is missed, and nothing comes twice.
import { expect, it } from "vitest";
import type { EventKind } from "../../src/models/event.js";
import type { EventListQuery, EventView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { takePen } from "../support/event-pen.js";

const KINDS: EventKind[] = ["execution.queued", "execution.started", "execution.finished", "batch.edited"];

/** Every page from the first on. @param between done after each */
async function pages(
  { sdk }: TestApp,
  query: EventListQuery,
  between = () => Promise.resolve(),
): Promise<EventView[][]> {
  const all: EventView[][] = [];
  let cursor: string | null = null;
  do {
    const page = await sdk.events.list({ ...query, ...(cursor === null ? {} : { cursor }) });
    all.push(page.items);
    cursor = page.next;
    await between();
  } while (cursor !== null && all.length < 500);
  return all;
}

const idsOf = (events: EventView[]) => events.map(({ id }) => id);
const downFrom = (last: number) => Array.from({ length: last }, (_, i) => last - i);

it("go on exactly where the one before ended, also among events of one instant, while others are written", async () => {
  const app = await startApp();
  const pen = await takePen(app);
  const group = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      kind: KINDS[i % KINDS.length] ?? "batch.edited",
      id: i + 1,
      batchId: 1,
    }));
  for (const count of [1, 40, 9, 70, 1]) {
    await pen.write(...group(count));
    app.clock.advance({ seconds: 1 });
  }
  const later = async () => {
    await pen.write(...group(8));
    app.clock.advance({ ms: 1 });
  };
  const found = await pages(app, { limit: 7 }, later);
  expect(idsOf(found.flat())).toEqual(downFrom(121));
  expect(found.slice(0, -1).every(({ length }) => length === 7)).toBe(true);
  const before = { to: "2026-12-01T12:00:05Z", limit: 10 };
  const { items } = await app.sdk.events.list({ ...before, limit: 200 });
  for (const query of [
    { kind: KINDS.join(",") },
    { batch: 1 },
    { batch: 1, kind: "execution.*,batch.*", archived: "all", test: "all" },
    { q: "NIGHT" },
  ] as const)
    expect(idsOf((await pages(app, { ...before, ...query }, later)).flat()), JSON.stringify(query)).toEqual(
      idsOf(items),
    );
});

it("a clock that was set back changes nothing of that: the order is by instant, and by id within one", async () => {
  const app = await startApp();
  const pen = await takePen(app);
  const start = app.clock.now();
  for (const second of [5, 1, 9, 1, 5]) {
    app.clock.set(start + second * 1000);
    await pen.write({ kind: "batch.edited" });
  }
  expect(idsOf((await pages(app, { limit: 1 })).flat())).toEqual([3, 5, 1, 4, 2]);
});

it("that look for text end after a thousand events, with what they have found, and go on from there", async () => {
  const app = await startApp();
  const pen = await takePen(app);
  await pen.write({ kind: "batch.edited", name: "needle" });
  await pen.write(...Array.from({ length: 2498 }, () => ({ kind: "batch.edited" as const })));
  await pen.write({ kind: "batch.edited", name: "needle" });
  const found = await pages(app, { q: "needle", kind: "batch.edited" });
  expect(found.map(idsOf)).toEqual([[2500], [], [1]]);
  expect(idsOf((await pages(app, { q: "needle", archived: "all", test: "all" })).flat())).toEqual([2500, 1]);
  // An execution has few events, but nothing keeps a script from reporting progress all day.
  await pen.write({ kind: "execution.started", id: 5 });
  await pen.write(...Array.from({ length: 1200 }, () => ({ kind: "execution.progress" as const, id: 5 })));
  const starts = await pages(app, { execution: 5, kind: "execution.started" });
  expect(starts.map(idsOf)).toEqual([[], [2501]]);
});
