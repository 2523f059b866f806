// The outbox: mail that cannot be sent is tried again for a day and then shown; nothing waits for a mail server.
import { expect, it } from "vitest";
import { parseConfig } from "../../src/config.js";
import type { DeliveryView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { finalRow } from "../support/ledger.js";
import { MailServer } from "../support/mail-server.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

/** A batch that mails, uploaded and run to its end; gives its one delivery. */
async function giveCause({ sdk }: TestApp, name = "batch"): Promise<DeliveryView> {
  await sdk.batches.create(await scriptZip("echo hello"), { name, alerts: { emails: ["a@example.org"] } });
  expect((await finalRow(sdk, await sdk.batches.run(name))).status).toBe("completed");
  const [delivery] = (await sdk.deliveries.list({ batch: name })).items;
  if (!delivery) throw new Error("Nothing was written down.");
  return delivery;
}

/** The delivery once so many attempts have failed. */
async function failed({ sdk }: TestApp, { id }: DeliveryView, attempts: number): Promise<DeliveryView> {
  const seen = { attempts, status: "pending", lastError: expect.any(String) as unknown };
  await expect.poll(() => sdk.deliveries.get(id), PATIENCE).toMatchObject(seen);
  return sdk.deliveries.get(id);
}

/** The delivery once its sending has come to this end. */
async function over({ sdk }: TestApp, { id }: DeliveryView, status: DeliveryView["status"]): Promise<DeliveryView> {
  await expect.poll(() => sdk.deliveries.get(id), PATIENCE).toMatchObject({ status });
  return sdk.deliveries.get(id);
}

const pauseOf = ({ nextAttemptAt }: DeliveryView, { clock }: TestApp) =>
  (Date.parse(nextAttemptAt ?? "") - clock.now()) / 60_000;

it("a server that refuses connections is tried again after 1, 2, 4 ... minutes, and at most an hour", async () => {
  const server = await MailServer.start();
  await server.close();
  const app = await startApp(server.settings);
  const delivery = await giveCause(app);
  const pauses: number[] = [];
  for (const minutes of [1, 2, 120, 60]) {
    const row = await failed(app, delivery, pauses.length + 1);
    expect(row.lastError).toBe("The mail server could not be reached, or broke off (ECONNREFUSED).");
    pauses.push(pauseOf(row, app));
    app.clock.advance({ minutes });
  }
  expect(pauses).toEqual([1, 2, 4, 60]);
  await failed(app, delivery, 5);
  await server.open();
  app.clock.advance({ hours: 1 });
  expect(await over(app, delivery, "sent")).toMatchObject({ attempts: 6, lastError: null, nextAttemptAt: null });
  expect(server.mails).toHaveLength(1);
  expect(server.mails[0]?.messageId).toBe(delivery.messageId);
  expect(app.events.count("delivery.sent")).toBe(1);
});

it("a refused recipient, message or password is told in the server's words or ours, without the password", async () => {
  const server = await MailServer.start();
  server.manner = "refuse_recipient";
  const app = await startApp(server.settings);
  const first = await failed(app, await giveCause(app), 1);
  expect(first.lastError).toBe("The mail server refused the recipient: 550 no such mailbox");
  server.manner = "refuse_message";
  app.clock.advance({ minutes: 1 });
  expect((await failed(app, first, 2)).lastError).toBe("The mail server refused the message: 450 not today");
  const wrong = await startApp({ ...server.settings, SMTP_URL: server.settings.SMTP_URL.replace("s3cret", "Wr0ng") });
  const { lastError } = await failed(wrong, await giveCause(wrong), 1);
  expect(lastError).toBe("The mail server refused user or password. Check SMTP_URL.");
});

it("what could not be sent within a day is undelivered, with what the last attempt met, and not tried any more", async () => {
  const server = await MailServer.start();
  server.manner = "refuse_recipient";
  const app = await startApp(server.settings);
  const delivery = await failed(app, await giveCause(app), 1);
  app.clock.advance({ hours: 23, minutes: 59 });
  await failed(app, delivery, 2);
  server.manner = "take";
  app.clock.advance({ minutes: 1 });
  expect(await over(app, delivery, "undelivered")).toMatchObject({
    attempts: 2,
    lastError: "The mail server refused the recipient: 550 no such mailbox",
    nextAttemptAt: null,
    finishedAt: new Date(app.clock.now()).toISOString(),
  });
  expect(server.mails).toEqual([]);
  expect(await app.events.next("delivery.failed")).toMatchObject({
    subject: { id: delivery.executionId },
    payload: { delivery: delivery.id },
  });
});

it("without a mail server it is kept with the reason, sent by a service that has one within the day, and not later", async () => {
  const server = await MailServer.start();
  const app = await startApp();
  const soon = await giveCause(app, "soon");
  expect(soon).toMatchObject({ status: "pending", attempts: 0 });
  expect(soon.lastError).toMatch(/^No mail server is configured: set SMTP_URL and MAIL_FROM/);
  app.clock.advance({ hours: 23 });
  const withServer = await app.restart({ mail: parseConfig(server.settings).mail });
  expect((await over(withServer, soon, "sent")).attempts).toBe(1);
  const without = await withServer.restart({ mail: null });
  const late = await giveCause(without, "late");
  app.clock.advance({ hours: 24 });
  expect(await over(without, late, "undelivered")).toMatchObject({ attempts: 0, lastError: soon.lastError });
  const month = await without.restart({ mail: parseConfig(server.settings).mail });
  await over(month, await giveCause(month, "new"), "sent");
  expect(server.mails.map(({ subject }) => subject)).toEqual([
    expect.stringContaining('"soon"'),
    expect.stringContaining('"new"'),
  ]);
});

it.each(["hang_at_once", "hang_after_data"] as const)(
  "a server that hangs (%s) holds up neither runs nor the stop of the service, and the next service sends it at once",
  async (manner) => {
    const server = await MailServer.start();
    server.manner = manner;
    const app = await startApp(server.settings);
    // Two hang, the others wait in line behind them; runs do not.
    const deliveries = [];
    for (const name of ["a", "b", "c", "d"]) deliveries.push(await giveCause(app, name));
    await expect.poll(() => server.connections, PATIENCE).toBe(2);
    expect((await app.sdk.deliveries.list({ status: "pending" })).items).toHaveLength(4);
    await app.stop();
    await expect.poll(() => server.connections, PATIENCE).toBe(0);
    server.manner = "take";
    const before = server.mails.length;
    const next = await app.restart();
    for (const delivery of deliveries) await over(next, delivery, "sent");
    expect(server.mails.length - before).toBe(4);
  },
);

it("a server that dies after having accepted gets the same message again, with the same Message-ID", async () => {
  const server = await MailServer.start();
  server.manner = "drop";
  const app = await startApp(server.settings);
  const delivery = await failed(app, await giveCause(app), 1);
  expect(delivery.lastError).toBe("The mail server could not be reached, or broke off.");
  server.manner = "take";
  app.clock.advance({ minutes: 1 });
  await over(app, delivery, "sent");
  const [first, second] = server.mails;
  expect(server.mails).toHaveLength(2);
  expect(first?.messageId).toBe(delivery.messageId);
  expect([second?.messageId, second?.subject, second?.text, second?.date]).toEqual([
    first?.messageId,
    first?.subject,
    first?.text,
    first?.date,
  ]);
});
