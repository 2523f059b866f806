// Mail and services that are killed or stand beside each other: nothing is lost, and nothing goes out twice at once.
import { expect, it } from "vitest";
import { parseConfig } from "../../src/config.js";
import type { BatchlineClient } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { MailServer } from "../support/mail-server.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";
import { startServiceProcess } from "../support/service-process.js";

const upload = async (sdk: BatchlineClient) =>
  sdk.batches.create(await scriptZip("echo hello"), {
    name: "batch",
    overlap: "allow",
    alerts: { emails: ["a@example.org"] },
  });

it("a service killed while it sends leaves the mail to the next one, which sends it under the same Message-ID", async () => {
  const server = await MailServer.start();
  server.manner = "hang_after_data";
  const app = await startApp(server.settings);
  await app.stop();
  const first = await startServiceProcess(app.config);
  await upload(first.sdk);
  const run = await finalRow(first.sdk, await first.sdk.batches.run("batch"));
  await server.received(1);
  await first.kill("SIGKILL");
  server.manner = "take";
  const { sdk } = await startServiceProcess(app.config);
  const [row] = (await sdk.deliveries.list({ execution: run.id })).items;
  expect(row).toMatchObject({ status: "pending", attempts: 0, occasion: "completed" });
  // By itself it is tried again when the killed service's claim is over, minutes later.
  await sdk.deliveries.retry(row?.id ?? 0);
  await expect.poll(() => sdk.deliveries.get(row?.id ?? 0), PATIENCE).toMatchObject({ status: "sent", attempts: 1 });
  expect(server.mails.map(({ messageId }) => messageId)).toEqual([row?.messageId, row?.messageId]);
});

it("a claim whose service is gone ends after some minutes", async () => {
  const server = await MailServer.start();
  server.manner = "hang_after_data";
  const app = await startApp(server.settings);
  await upload(app.sdk);
  await finalRow(app.sdk, await app.sdk.batches.run("batch"));
  await server.received(1);
  server.manner = "take";
  // To a second service one that hangs is the same as one that is gone.
  const second = await app.another();
  app.clock.advance({ minutes: 5 });
  await expect
    .poll(async () => (await second.sdk.deliveries.list()).items[0], PATIENCE)
    .toMatchObject({
      status: "sent",
    });
  expect(server.mails).toHaveLength(2);
});

it("an end and its mail are on record together or not at all, whenever the service is killed", async () => {
  const app = await startApp();
  await app.stop();
  const first = await startServiceProcess(app.config);
  await upload(first.sdk);
  const runs = await Promise.all(Array.from({ length: 20 }, () => first.sdk.batches.run("batch")));
  await expect
    .poll(async () => (await first.sdk.executions.list({ status: "completed" })).items.length, PATIENCE)
    .toBeGreaterThan(3);
  await first.kill("SIGKILL");
  const { sdk } = await startServiceProcess(app.config);
  await finalRows(sdk, "batch", runs.length);
  const told = (await sdk.deliveries.list()).items.map(({ executionId }) => executionId);
  const ascending = (a: number, b: number) => a - b;
  expect(told.sort(ascending)).toEqual(runs.map(({ id }) => id).sort(ascending));
});

it("two services that have the same long line of mail before them send each once", async () => {
  const server = await MailServer.start();
  const without = await startApp();
  const emails = Array.from({ length: 50 }, (_, i) => `a${i}@example.org`);
  await without.sdk.batches.create(await scriptZip("true"), { name: "batch", alerts: { emails } });
  await finalRow(without.sdk, await without.sdk.batches.run("batch"));
  const first = await without.restart({ mail: parseConfig(server.settings).mail });
  const second = await first.another();
  const sent = async () => (await first.sdk.deliveries.list({ status: "sent", limit: 200 })).items.length;
  await expect.poll(sent, PATIENCE).toBe(50);
  expect(server.mails.map(({ recipients }) => recipients[0]).sort()).toEqual(emails.sort());
  expect(new Set(server.mails.map(({ messageId }) => messageId)).size).toBe(50);
  const told = () => first.events.count("delivery.sent") + second.events.count("delivery.sent");
  await expect.poll(told, PATIENCE).toBe(50);
});
