// Progress: what a script says of it is an event, comes live, and tells when the run is expected to end.
import { expect, it } from "vitest";
import type { ExecutionStreamEvent, ExecutionView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { scriptZip } from "../support/scripts.js";

async function steps(...said: string[]): Promise<{ app: TestApp; gate: Gate; start: () => Promise<ExecutionView> }> {
  const [app, gate] = [await startApp(), await Gate.make()];
  const lines = said.flatMap((text) => [`echo '${text}' >>"$BATCHLINE_PROGRESS"`, gate.pass()]);
  await app.sdk.batches.create(await scriptZip(...lines), { name: "steps" });
  const start = async () => {
    const execution = await app.sdk.batches.run("steps");
    await gate.arrival();
    return app.sdk.executions.get(execution.id);
  };
  return { app, gate, start };
}

it("is an event each time that it changes, before the one of the end", async () => {
  const { app, gate, start } = await steps("40 loading", "3/4 text");
  const execution = await start();
  const first = await app.events.next("execution.progress");
  expect(first).toMatchObject({
    executionId: execution.id,
    batchId: execution.batchId,
    subject: { type: "execution", id: execution.id, name: "steps" },
    actor: { kind: "script", name: "steps" },
    payload: { attempt: 1, percent: 40, text: "loading" },
  });
  gate.open();
  expect((await app.events.next("execution.progress")).payload).toEqual({ attempt: 1, percent: 75, text: "text" });
  gate.open();
  await app.ended(execution);
  expect(app.events.count("execution.progress")).toBe(2);
});

it("comes live, once each, with the expected end", async () => {
  const { app, gate, start } = await steps("40 loading", "3/4 text");
  const execution = await start();
  const seen: ExecutionStreamEvent[] = [];
  app.clock.advance({ seconds: 4 });
  for await (const item of app.sdk.executions.stream(execution.id)) {
    if (item.event !== "progress") continue;
    seen.push(item);
    gate.open();
  }
  const started = Date.parse(execution.startedAt ?? "");
  expect(seen.map(({ data }) => data)).toEqual([
    { attempt: 1, percent: 40, text: "loading", expectedEndAt: new Date(started + 10_000).toISOString() },
    { attempt: 1, percent: 75, text: "text", expectedEndAt: expect.anything() as unknown },
  ]);
});

it("counts for more than history, once it says anything; a run that is overdue is expected at no time", async () => {
  const { app, gate, start } = await steps("0 begun", "50 half");
  const run = async (seconds: number) => {
    const execution = await start();
    app.clock.advance({ seconds });
    gate.open(2);
    await gate.arrival();
    return app.ended(execution);
  };
  const expected = async ({ id, startedAt }: ExecutionView) => {
    const { expectedEndAt } = await app.sdk.executions.get(id);
    const [listed] = (await app.sdk.executions.list({ batch: "steps", limit: 1 })).items;
    const after = (at?: string | null) => (at ? Date.parse(at) - Date.parse(startedAt ?? "") : null);
    return { alone: after(expectedEndAt), listed: after(listed?.expectedEndAt) };
  };
  const first = await start();
  expect(await expected(first)).toEqual({ alone: null, listed: null });
  gate.open(2);
  await gate.arrival();
  await app.ended(first);
  for (const seconds of [10, 20, 30]) await run(seconds);
  const execution = await start();
  // The median of 0, 10, 20 and 30 seconds: a list does not open the files of progress.
  expect(await expected(execution)).toEqual({ alone: 15_000, listed: 15_000 });
  gate.open();
  await gate.arrival();
  app.clock.advance({ seconds: 4 });
  expect(await expected(execution)).toEqual({ alone: 8000, listed: 15_000 });
  app.clock.advance({ seconds: 12 });
  expect(await expected(execution)).toEqual({ alone: 32_000, listed: null });
  gate.open();
  await app.ended(execution);
  expect(await expected(execution)).toEqual({ alone: null, listed: null });
});
