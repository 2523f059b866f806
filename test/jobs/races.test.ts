// Cancellation, exit and another service at the same moment: each execution ends once, and never as something else later.
import { expect, it } from "vitest";
import { ApiError, type ExecutionView } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRows } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";

const RUNS = 24;

it("of an exit and two cancellations through two services at once, one decides", async () => {
  const first = await startApp({ CONCURRENCY: String(RUNS) });
  const second = await first.another();
  const gate = await Gate.make();
  await first.sdk.batches.create(await scriptZip(gate.pass()), { name: "batch", overlap: "allow" });
  const runs: ExecutionView[] = [];
  for (let i = 0; i < RUNS; i++) runs.push(await first.sdk.batches.run("batch"));
  for (let i = 0; i < RUNS; i++) await gate.arrival();
  const answers = await Promise.allSettled(
    runs.flatMap(({ id }) => {
      gate.open();
      return [first.sdk.executions.cancel(id), second.sdk.executions.cancel(id)];
    }),
  );
  const rows = await finalRows(first.sdk, "batch", RUNS);
  const seen = [...first.events.seen, ...second.events.seen].filter(({ kind }) => kind === "execution.finished");
  for (const [i, row] of rows.entries()) {
    // Through an exit of its own it is completed; told to end, it is cancelled, whatever its exit code was by then.
    expect([row.status, row.exitCode === 0 || row.status === "cancelled"]).toEqual([
      expect.stringMatching(/^(completed|cancelled)$/),
      true,
    ]);
    expect(seen.filter(({ subject }) => subject.id === row.id)).toHaveLength(1);
    const refused = answers.slice(2 * i, 2 * i + 2).filter(({ status }) => status === "rejected");
    // One that had ended already takes no cancellation.
    if (row.status === "cancelled") expect(refused.length).toBeLessThan(2);
  }
  const reasons = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as unknown] : []));
  expect(reasons.every((reason) => reason instanceof ApiError && reason.problem.code === "already_ended")).toBe(true);
  expect((await finalRows(first.sdk, "batch", RUNS)).map(({ status, finishedAt }) => [status, finishedAt])).toEqual(
    rows.map(({ status, finishedAt }) => [status, finishedAt]),
  );
});
