// On what occasions mail is written down, and for whom: rows of the outbox, whether there is a mail server or not.
import { expect, it } from "vitest";
import type { BatchConfigInput, BatchlineClient } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";

const emails = ["a@example.org"];

/** What is written down, oldest first. */
async function written(sdk: BatchlineClient): Promise<string[]> {
  const { items } = await sdk.deliveries.list();
  return items.reverse().map(({ batchName, occasion, recipient }) => `${batchName} ${occasion} ${recipient}`);
}

it("by default it is every end of a run: not its start, not what never started, not an attempt that is followed by another", async () => {
  const { sdk, clock, events } = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  const script = await scriptZip(gate.pass(), "exit 1");
  const retry = { attempts: 2, delay: "1ms" };
  await sdk.batches.create(script, { name: "busy", retry, alerts: { emails } });
  await sdk.batches.create(script, { name: "queued", alerts: { emails } });
  const busy = await sdk.batches.run("busy");
  await gate.arrival();
  const queued = await sdk.batches.run("queued");
  expect((await sdk.batches.run("busy")).status).toBe("skipped");
  await sdk.executions.cancel(queued.id);
  expect((await finalRow(sdk, queued)).status).toBe("cancelled");
  gate.open();
  await events.next("execution.retrying");
  clock.advance({ seconds: 1 });
  await gate.arrival();
  expect(await written(sdk)).toEqual([]);
  gate.open();
  expect((await finalRow(sdk, busy)).status).toBe("failed");
  expect(await written(sdk)).toEqual(["busy failed a@example.org"]);
  const stopped = await sdk.batches.run("queued");
  await gate.arrival();
  await sdk.executions.cancel(stopped.id);
  expect((await finalRow(sdk, stopped)).status).toBe("cancelled");
  expect(await written(sdk)).toEqual(["busy failed a@example.org", "queued cancelled a@example.org"]);
});

it("`on` names the occasions: a start, once for all attempts, and what never started among them", async () => {
  const { sdk, clock, events } = await startApp();
  const gate = await Gate.make();
  const config: BatchConfigInput = {
    name: "named",
    cron: "0 * * * *",
    misfire: "skip",
    retry: { attempts: 2, delay: "1ms" },
    alerts: { emails, on: ["started", "skipped", "missed"] },
  };
  await sdk.batches.create(await scriptZip(gate.pass(), "exit 1"), config);
  const run = await sdk.batches.run("named");
  await gate.arrival();
  expect(await written(sdk)).toEqual(["named started a@example.org"]);
  await sdk.batches.run("named");
  gate.open(2);
  await events.next("execution.retrying");
  clock.advance({ seconds: 1 });
  expect((await finalRow(sdk, run)).status).toBe("failed");
  clock.advance({ hours: 1, minutes: 30 });
  await finalRows(sdk, "named", 3);
  const occasions = (await written(sdk)).map((line) => line.split(" ")[1]);
  expect(occasions).toEqual(["started", "skipped", "missed"]);
});

it("each of several recipients has a row and a Message-ID of its own; an empty list, or no occasion, is nobody", async () => {
  const { sdk } = await startApp({ ADMIN_EMAIL: "admin@example.org" });
  const nothing = await scriptZip("true");
  await sdk.batches.create(nothing, { name: "several", alerts: { emails: ["a@example.org", "b@example.org"] } });
  await sdk.batches.create(nothing, { name: "nobody", alerts: { emails: [] } });
  await sdk.batches.create(nothing, { name: "never", alerts: { on: [] } });
  for (const name of ["nobody", "never", "several"]) await finalRow(sdk, await sdk.batches.run(name));
  expect(await written(sdk)).toEqual(["several completed a@example.org", "several completed b@example.org"]);
  const ids = (await sdk.deliveries.list()).items.map(({ messageId }) => messageId);
  expect(new Set(ids).size).toBe(2);
  expect(ids[0]).toMatch(/^<\d+\.completed\.[0-9a-f]{16}@batchline>$/);
});

it("the administrator gets the mail of batches that name nobody, on the occasions that they name", async () => {
  const { sdk } = await startApp({ ADMIN_EMAIL: "admin@example.org" });
  const nothing = await scriptZip("true");
  await sdk.batches.create(nothing, { name: "plain" });
  await sdk.batches.create(nothing, { name: "other", alerts: { emails } });
  await sdk.batches.create(nothing, { name: "starts", alerts: { on: ["started"] } });
  for (const name of ["plain", "other", "starts"]) await finalRow(sdk, await sdk.batches.run(name));
  expect(await written(sdk)).toEqual([
    "plain completed admin@example.org",
    "other completed a@example.org",
    "starts started admin@example.org",
  ]);
});

it("nobody gets any where neither a batch nor the service names somebody", async () => {
  const { sdk } = await startApp();
  await sdk.batches.create(await scriptZip("true"), { name: "plain", alerts: { on: ["completed"] } });
  await finalRow(sdk, await sdk.batches.run("plain"));
  expect(await written(sdk)).toEqual([]);
});

it("a thousand occurrences that were missed are written down with their rows", async () => {
  const { sdk, clock } = await startApp();
  const alerts: BatchConfigInput["alerts"] = { emails, on: ["missed"] };
  await sdk.batches.create(await scriptZip("true"), { name: "often", cron: "* * * * *", misfire: "skip", alerts });
  clock.advance({ hours: 18, seconds: 30 });
  const rows = await finalRows(sdk, "often", 200);
  const missed = (await sdk.deliveries.list({ limit: 200 })).items;
  expect(missed.map(({ occasion }) => occasion)).toEqual(Array(200).fill("missed"));
  expect(rows.length).toBe(200);
});
