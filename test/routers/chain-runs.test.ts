// Chain runs: one pass through a chain as a whole, read and cancelled.
import { describe, expect, it } from "vitest";
import type { BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { passOf, statuses, uploadChain, type Member } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";

const lines = ["true"];
const post = { method: "POST" };

/** Starts a pass through these batches, and gives its head's row and the number of the chain run. */
async function begin(sdk: BatchlineClient, ...members: Member[]): Promise<{ head: ExecutionView; id: number }> {
  await uploadChain(sdk, ...members);
  const head = await sdk.batches.run(members[0]?.name ?? "", { successors: true });
  return { head, id: head.chainRunId ?? 0 };
}

/** Asks twice for what is over, and expects to be refused. */
async function expectOver(app: TestApp, id: number): Promise<void> {
  const problem = await problemOf(await app.request(`/api/v1/chain-runs/${id}/cancel`, post));
  expect(problem).toMatchObject({ status: 409, code: "already_ended" });
}

describe("reading", () => {
  it("shows the plan, and the rows so far", async () => {
    const { sdk } = await startApp();
    const gate = await Gate.make();
    const { head, id } = await begin(sdk, { name: "a", lines: [gate.pass()] }, { name: "b", runOn: "always", lines });
    const successorId = (await sdk.batches.get("b")).id;
    expect(await sdk.chainRuns.get(id)).toMatchObject({
      id,
      headBatchId: head.batchId,
      status: "running",
      cancelledAt: null,
      cancelledBy: null,
      links: [{ predecessorId: head.batchId, successorId, runOn: "always", previousOutput: false }],
      executions: [{ batchName: "a" }],
    });
    gate.open();
    await passOf(sdk, head);
    const over = await sdk.chainRuns.get(id);
    expect(over.status).toBe("completed");
    expect(over.executions.map(({ batchName }) => batchName)).toEqual(["a", "b"]);
  });

  it("says failed if anything of it did not complete", async () => {
    const { sdk } = await startApp();
    const { head, id } = await begin(sdk, { name: "a", lines: ["exit 1"] }, { name: "b", runOn: "failure", lines });
    await passOf(sdk, head);
    expect((await sdk.chainRuns.get(id)).status).toBe("failed");
  });

  it("or cancelling one that there is not is refused", async () => {
    const app = await startApp();
    for (const answer of [
      await app.request("/api/v1/chain-runs/77"),
      await app.request("/api/v1/chain-runs/77/cancel", post),
    ])
      expect(await problemOf(answer)).toMatchObject({ status: 404, detail: "There is no chain run 77." });
  });
});

describe("cancelling", () => {
  it("ends what runs and what is queued, and every batch of the plan has its row, always-links too", async () => {
    const app = await startApp({ CONCURRENCY: "2" });
    const { sdk } = app;
    const gate = await Gate.make();
    const wait = [gate.pass("$BATCHLINE_BATCH")];
    const { head, id } = await begin(
      sdk,
      { name: "head", lines },
      { name: "left", lines: wait },
      { name: "right", after: ["head"], lines: wait },
      { name: "queued", after: ["head"], lines: wait },
      { name: "join", after: ["left", "right"], runOn: "always", lines: wait },
      { name: "rescue", after: ["left"], runOn: "failure", lines: wait },
      { name: "last", after: ["join"], independent: true, lines: wait },
    );
    await Promise.all([gate.arrival(), gate.arrival()]);
    const asked = await sdk.chainRuns.cancel(id);
    const cancelledAt = new Date(app.clock.now()).toISOString();
    expect(asked).toMatchObject({ id, cancelledAt, cancelledBy: { kind: "token" } });
    const rows = await passOf(sdk, head);
    expect(statuses(rows)).toEqual({
      head: "completed",
      left: "cancelled",
      right: "cancelled",
      queued: "cancelled",
      join: "aborted",
      rescue: "aborted",
      last: "aborted",
    });
    expect(rows["queued"]).toMatchObject({ startedAt: null, reason: { code: "cancelled" } });
    expect(rows["last"]?.reason).toMatchObject({ code: "chain_cancelled" });
    expect((await sdk.chainRuns.get(id)).status).toBe("cancelled");
    await expectOver(app, id);
  });

  it("ends one that waits for another attempt, at once", async () => {
    const app = await startApp();
    const { sdk } = app;
    const retry = { attempts: 2 };
    const { head, id } = await begin(sdk, { name: "a", retry, lines: ["exit 1"] }, { name: "b", lines });
    await expect.poll(async () => (await sdk.executions.get(head.id)).reason?.code, PATIENCE).toBe("retry");
    expect((await sdk.chainRuns.cancel(id)).status).toBe("cancelled");
    expect(statuses(await passOf(sdk, head))).toEqual({ a: "cancelled", b: "aborted" });
  });

  it("twice, while scripts take their time to end, is no fault; and the pass of another time goes on", async () => {
    const app = await startApp();
    const { sdk } = app;
    const gate = await Gate.make();
    const script = [`trap '${gate.pass("ending")}; exit 0' TERM`, gate.pass("begun")];
    const { head, id } = await begin(sdk, { name: "a", overlap: "allow", lines: script }, { name: "b", lines });
    const other = await sdk.batches.run("a", { successors: true });
    expect([await gate.arrival(), await gate.arrival()]).toEqual(["begun", "begun"]);
    await sdk.chainRuns.cancel(id);
    expect(await gate.arrival()).toBe("ending");
    expect((await sdk.chainRuns.cancel(id)).status).toBe("running");
    gate.open(2);
    expect(statuses(await passOf(sdk, head))).toEqual({ a: "cancelled", b: "aborted" });
    expect(statuses(await passOf(sdk, other))).toEqual({ a: "completed", b: "completed" });
    await expectOver(app, id);
  });

  it("one that has come to its end by itself is refused, and changes nothing", async () => {
    const app = await startApp();
    const { head, id } = await begin(app.sdk, { name: "a", lines }, { name: "b", lines });
    await passOf(app.sdk, head);
    await expectOver(app, id);
    expect((await app.sdk.chainRuns.get(id)).status).toBe("completed");
  });
});
