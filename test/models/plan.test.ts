// The arithmetic of planned runs: who comes when after the head, medians, and cursors that keep their window.
import { describe, expect, it } from "vitest";
import type { ChainLink, RunOn } from "../../src/models/chain.js";
import {
  decodePlanCursor,
  encodePlanCursor,
  linksBySource,
  median,
  passFrom,
  projectPass,
} from "../../src/models/plan.js";
import { encodeCursor } from "../../src/models/shapes.js";

const link = (predecessorId: number, successorId: number, runOn: RunOn = "success"): ChainLink => ({
  predecessorId,
  successorId,
  runOn,
  previousOutput: false,
});

/** `batch: start-end` of each, with `?` for what is not known and `no` for what is not expected. */
function projected(links: ChainLink[], durations: Record<number, number>): string[] {
  const known = new Map(Object.entries(durations).map(([id, ms]) => [Number(id), ms]));
  return projectPass(1, links, known).map(({ batchId, startMs, endMs, expected }) =>
    expected ? `${batchId}: ${startMs ?? "?"}-${endMs ?? "?"}` : `${batchId}: no`,
  );
}

describe("a pass is projected", () => {
  const all = { 1: 10, 2: 20, 3: 5, 4: 7 };
  it.each<[what: string, links: ChainLink[], durations: Record<number, number>, expected: string[]]>([
    ["a batch alone", [], all, ["1: 0-10"]],
    ["one without history", [], {}, ["1: 0-?"]],
    ["one after the other", [link(1, 2), link(2, 3)], all, ["1: 0-10", "2: 10-30", "3: 30-35"]],
    [
      "a join starts with its latest predecessor, and comes behind both",
      [link(1, 4), link(1, 2), link(2, 4)],
      all,
      ["1: 0-10", "2: 10-30", "4: 30-37"],
    ],
    [
      "what follows a gap in history is not known",
      [link(1, 2), link(2, 3)],
      { 1: 10, 3: 5 },
      ["1: 0-10", "2: 10-?", "3: ?-?"],
    ],
    ["what runs after a failure is not expected", [link(1, 2, "failure")], all, ["1: 0-10", "2: no"]],
    [
      "nor what needs its success; what comes always is, as soon as that is decided",
      [link(1, 2, "failure"), link(2, 3), link(2, 4, "always")],
      all,
      ["1: 0-10", "2: no", "3: no", "4: 10-17"],
    ],
  ])("%s", (_what, links, durations, expected) => {
    expect(projected(links, durations)).toEqual(expected);
  });

  it("with the batches that each comes after, in link order", () => {
    const pass = projectPass(1, [link(1, 2), link(1, 3), link(3, 4), link(2, 4)], new Map());
    expect(pass.map(({ batchId, afterBatchIds }) => [batchId, afterBatchIds])).toEqual([
      [1, []],
      [2, [1]],
      [3, [1]],
      [4, [3, 2]],
    ]);
  });
});

it("a pass goes along the links from its head, and not into withdrawn batches nor past them", () => {
  const links = linksBySource([link(1, 2), link(2, 3), link(1, 4), link(9, 4), link(4, 5)]);
  const ends = (head: number, out: number[]) =>
    passFrom(head, links, new Set(out)).map(({ predecessorId, successorId }) => `${predecessorId}>${successorId}`);
  expect(ends(1, [])).toEqual(["1>2", "1>4", "2>3", "4>5"]);
  expect(ends(1, [2])).toEqual(["1>4", "4>5"]);
  expect(ends(9, [])).toEqual(["9>4", "4>5"]);
  expect(ends(5, [])).toEqual([]);
});

it.each<[number[], number | null]>([
  [[], null],
  [[5], 5],
  [[9, 1, 5], 5],
  [[1, 100, 4, 2], 3],
  [[10, 9, 100], 10],
])("the median of %j is %j", (durations, expected) => {
  expect(median(durations)).toBe(expected);
});

it("a cursor keeps its window and place, and what is no cursor of this list is none", () => {
  const cursor = { from: -5, to: 1_796_126_400_000, at: 1_796_040_000_000, triggerId: 12, skip: 3 };
  expect(decodePlanCursor(encodePlanCursor(cursor))).toEqual(cursor);
  expect([encodeCursor(7), "", "a", "plan:1", btoa("plan:1:2:3:4:5:6")].map(decodePlanCursor)).toEqual(
    Array(5).fill(null),
  );
});
