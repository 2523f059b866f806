// Each attempt of an execution keeps its own logs, and each can be asked for.
import { expect, it, vi } from "vitest";
import type { ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

/** A script whose first attempt fails and whose second one completes, with words of its own on each stream. */
const TWO = ["echo out $BATCHLINE_ATTEMPT", "(( BATCHLINE_ATTEMPT == 1 )) || exit 0", "echo err 1 >&2", "exit 5"];

const log = (app: TestApp, id: number, query: string, kind = "log") =>
  app.request(`/api/v1/executions/${id}/${kind}?${query}`);

async function begin({ sdk }: TestApp, lines: string[]): Promise<ExecutionView> {
  await sdk.batches.create(await scriptZip(...lines), { name: "batch", retry: { attempts: 2 } });
  return sdk.batches.run("batch");
}

/** Waits until the first attempt has failed. */
function failed({ sdk }: TestApp, { id }: ExecutionView): Promise<ExecutionView> {
  return vi.waitFor(async () => {
    const row = await sdk.executions.get(id);
    expect([row.status, row.attempts.length]).toEqual(["queued", 1]);
    return row;
  }, PATIENCE);
}

it("gives the logs of the attempt that is asked for, and of the last one if none is", async () => {
  const app = await startApp();
  const run = await begin(app, TWO);
  await failed(app, run);
  app.clock.advance({ seconds: 10 });
  const { attempts } = await finalRow(app.sdk, run);
  expect(attempts).toMatchObject([
    { number: 1, log: { bytes: 6 }, errorLog: { bytes: 6 } },
    { number: 2, log: { bytes: 6 }, errorLog: null },
  ]);
  for (const query of ["", "attempt=2"]) expect(await (await log(app, run.id, query)).text()).toBe("out 2\n");
  expect(await (await log(app, run.id, "attempt=1")).text()).toBe("out 1\n");
  expect(await app.sdk.executions.errorLog(run.id, { attempt: 1 })).toBe("err 1\n");
  expect(await problemOf(await log(app, run.id, "attempt=2", "error-log"))).toMatchObject({ code: "no_error_log" });
});

it("gives, between two attempts, the logs of the one that has failed, to a follower whole and to the end", async () => {
  const app = await startApp();
  const run = await begin(app, TWO);
  const row = await failed(app, run);
  expect(row.links.errorLog).not.toBeNull();
  for (const query of ["", "attempt=1", "tail=1", "follow=1"]) {
    expect(await (await log(app, run.id, query)).text()).toBe("out 1\n");
  }
  expect(await app.sdk.executions.errorLog(run.id)).toBe("err 1\n");
});

it("ends a follower with the attempt that it follows", async () => {
  const app = await startApp();
  const gate = await Gate.make();
  const run = await begin(app, ["echo begun", gate.pass(), ...TWO]);
  await gate.arrival();
  const following = log(app, run.id, "follow=1").then((response) => response.text());
  gate.open();
  expect(await following).toBe("begun\nout 1\n");
});

it.each([
  ["attempt=3", 404, "no_such_attempt"],
  ["attempt=0", 400, "invalid_request"],
  ["attempt=last", 400, "invalid_request"],
])("refuses %s in words", async (query, status, code) => {
  const app = await startApp();
  const run = await begin(app, TWO);
  await failed(app, run);
  const problem = await problemOf(await log(app, run.id, query));
  expect(problem).toMatchObject({ status, code });
  if (status === 404) expect(problem.detail).toBe(`Execution ${run.id} has had 1 attempt, and none with the number 3.`);
});
