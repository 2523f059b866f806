// Chains: the pure rules about what comes after what, and who may run.
import { describe, expect, it } from "vitest";
import {
  ancestors,
  decide,
  descendants,
  findCircle,
  planFrom,
  withdrawn,
  type ChainLink,
  type Outcome,
  type RunOn,
} from "../../src/models/chain.js";
import { FINAL_STATUSES, type ExecutionStatus } from "../../src/models/status.js";

const link = (predecessorId: number, successorId: number, runOn: RunOn = "success"): ChainLink => ({
  predecessorId,
  successorId,
  runOn,
  previousOutput: false,
  version: null,
});

/** 1 -> 2 -> 4 -> 5 and 1 -> 3 -> 4. */
const diamond = [link(1, 2), link(1, 3), link(2, 4), link(3, 4), link(4, 5)];

const outcome = (status: ExecutionStatus, exitCode: number | null = null): Outcome => ({
  executionId: 9,
  batchName: "load",
  status,
  exitCode,
  attempt: 1,
});

describe("the graph", () => {
  it("knows what comes after and before", () => {
    expect([...descendants(2, diamond)].sort()).toEqual([4, 5]);
    expect([...ancestors(4, diamond)].sort()).toEqual([1, 2, 3]);
    expect(descendants(5, diamond).size).toBe(0);
  });

  it("withdraws the disabled and everything after them", () => {
    expect([...withdrawn([3], diamond)].sort()).toEqual([3, 4, 5]);
    expect(withdrawn([], diamond).size).toBe(0);
  });

  it("finds a circle, and takes a diamond for none", () => {
    expect(findCircle(diamond)).toBeNull();
    expect(findCircle([link(1, 2), link(2, 3), link(3, 2)])).toEqual([2, 3, 2]);
    expect(findCircle([link(1, 1)])).toEqual([1, 1]);
  });

  it("of a long chain is walked without recursion limits", () => {
    const long = Array.from({ length: 3000 }, (_, i) => link(i, i + 1));
    expect(descendants(0, long).size).toBe(3000);
    expect(findCircle(long)).toBeNull();
  });
});

describe("a plan", () => {
  it("has the links that a pass from the head can reach", () => {
    expect(planFrom(3, diamond, new Set()).links).toEqual([link(3, 4), link(4, 5)]);
  });

  it("leaves out what is withdrawn, and what only that leads to", () => {
    expect(planFrom(1, diamond, withdrawn([3], diamond)).links).toEqual([link(1, 2)]);
  });
});

describe("a decision", () => {
  const plan = { links: [link(1, 3), { ...link(2, 3), previousOutput: true }] };

  it("waits until every predecessor has ended", () => {
    expect(decide(3, plan, new Map([[1, outcome("completed")]]))).toEqual({ kind: "wait" });
    const running = new Map([
      [1, outcome("completed")],
      [2, outcome("running")],
    ]);
    expect(decide(3, plan, running)).toEqual({ kind: "wait" });
  });

  it("runs when every link permits it, with the outputs of those that pass theirs on", () => {
    const both = new Map([
      [1, outcome("completed")],
      [2, outcome("warned")],
    ]);
    expect(decide(3, plan, both)).toEqual({ kind: "run", inputsFrom: [2] });
  });

  it("aborts with a reason that names the predecessor", () => {
    const failed = new Map([
      [1, outcome("failed", 3)],
      [2, outcome("completed")],
    ]);
    expect(decide(3, plan, failed)).toEqual({
      kind: "abort",
      reason: {
        code: "predecessor_failed",
        text: 'Its predecessor "load" (execution 9) failed with exit code 3; this batch runs only if it succeeds.',
      },
    });
  });

  const permitted: Record<RunOn, string[]> = {
    success: ["completed", "warned"],
    failure: ["failed", "timed_out", "cancelled", "aborted", "missed", "lost"],
    always: [...FINAL_STATUSES],
  };
  it.each(Object.entries(permitted))("on %s lets just %j pass", (runOn, statuses) => {
    const single = { links: [link(1, 2, runOn as RunOn)] };
    const passing = FINAL_STATUSES.filter(
      (status) => decide(2, single, new Map([[1, outcome(status)]])).kind === "run",
    );
    expect(passing.sort()).toEqual([...statuses].sort());
  });
});
