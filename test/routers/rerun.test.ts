// Reruns: an execution once more, as it was or with what is in use now.
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { pass, uploadChain } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";

const SHOW = 'echo "$1 $WHO $BATCHLINE_SCHEDULED_AT $(cat "${BATCHLINE_PAYLOAD:-/dev/null}")"';

async function afterAnEdit() {
  const app = await startApp();
  const { sdk } = app;
  await sdk.batches.create(await scriptZip(`echo old; ${SHOW}`), { name: "a", args: ["x"], env: { WHO: "then" } });
  const first = await finalRow(sdk, await sdk.batches.run("a", { payload: { n: 1 } }));
  await sdk.versions.create("a", await scriptZip(`echo new; ${SHOW}`), {
    config: { name: "a", args: ["y"], env: { WHO: "now" } },
  });
  const logOf = async (row: { id: number }) => sdk.executions.log((await finalRow(sdk, row)).id);
  return { app, sdk, first, logOf };
}

it("as it was: with its version, config, arguments and payload", async () => {
  const { sdk, first, logOf } = await afterAnEdit();
  const again = await sdk.executions.rerun(first.id);
  expect(again).toMatchObject({
    rerunOf: first.id,
    version: 1,
    configRevision: 1,
    args: ["x"],
    payload: { n: 1 },
    number: 2,
  });
  expect(await logOf(again)).toBe('old\nx then  {"n":1}\n');
});

it("with the latest: version, config and its arguments as they are now, the payload as it was", async () => {
  const { sdk, first, logOf } = await afterAnEdit();
  const again = await sdk.executions.rerun(first.id, { version: "latest" });
  expect(again).toMatchObject({ rerunOf: first.id, version: 2, configRevision: 2, args: ["y"] });
  expect(await logOf(again)).toBe('new\ny now  {"n":1}\n');
});

it("with the latest, arguments that were given for that run stay", async () => {
  const { sdk } = await afterAnEdit();
  const given = await finalRow(sdk, await sdk.batches.run("a", { args: ["own"] }));
  expect(await sdk.executions.rerun(given.id, { version: "latest" })).toMatchObject({ args: ["own"] });
});

it("tells the script the planned instant of what it repeats, also a rerun of a rerun", async () => {
  const { sdk, clock } = await startApp();
  await sdk.batches.create(await scriptZip('echo "$BATCHLINE_SCHEDULED_AT"'), { name: "a", cron: "0 * * * *" });
  clock.advance({ hours: 1 });
  const [planned] = await finalRows(sdk, "a", 1);
  const once = await finalRow(sdk, await sdk.executions.rerun(planned?.id ?? 0));
  const twice = await finalRow(sdk, await sdk.executions.rerun(once.id));
  for (const { id } of [once, twice]) expect(await sdk.executions.log(id)).toBe("2026-12-01T13:00:00.000Z\n");
  expect(twice).toMatchObject({ rerunOf: once.id, scheduledAt: null, trigger: null });
  expect((await sdk.plannedRuns.list({ from: "2026-12-01T12:30:00Z", to: "2026-12-01T13:30:00Z" })).items).toHaveLength(
    1,
  );
});

it("gives a member of a chain the output that it was given then", async () => {
  const { sdk } = await startApp();
  await uploadChain(
    sdk,
    { name: "a", lines: ["echo $RANDOM$RANDOM"] },
    { name: "b", previousOutput: true, lines: ['cat "$1"'] },
  );
  const rows = await pass(sdk, "a");
  await pass(sdk, "a");
  const again = await finalRow(sdk, await sdk.executions.rerun(rows["b"]!.id));
  expect(again.chainRunId).toBeNull();
  expect(await sdk.executions.log(again.id)).toBe(await sdk.executions.log(rows["a"]!.id));
});

it("refuses what has not ended, what is not there, and a batch that is gone", async () => {
  const app = await startApp();
  const { sdk } = app;
  const gate = await Gate.make();
  await sdk.batches.create(await scriptZip(gate.pass()), { name: "a" });
  const running = await sdk.batches.run("a");
  await gate.arrival();
  const rerun = (id: number) => sdk.executions.rerun(id);
  await expect(rerun(running.id)).rejects.toMatchObject({ status: 409, problem: { code: "not_ended" } });
  await expect(rerun(99)).rejects.toMatchObject({ status: 404 });
  gate.open();
  await app.ended(running);
  await sdk.batches.remove("a");
  await expect(rerun(running.id)).rejects.toMatchObject({ status: 404, message: /was deleted/ });
});
