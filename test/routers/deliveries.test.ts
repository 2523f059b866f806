// Deliveries over HTTP: listed, filtered, read and tried again.
import { describe, expect, it } from "vitest";
import type { DeliveryView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { finalRow } from "../support/ledger.js";
import { MailServer } from "../support/mail-server.js";
import { fetchDocument } from "../support/openapi.js";
import { PATIENCE } from "../support/patience.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const post = { method: "POST" };

/** Uploads a batch with these recipients, runs it, and gives what is written down about it, newest first. */
async function giveCause({ sdk }: TestApp, name: string, ...emails: string[]): Promise<DeliveryView[]> {
  await sdk.batches.create(await scriptZip("true"), { name, alerts: { emails } });
  const { id } = await finalRow(sdk, await sdk.batches.run(name));
  return (await sdk.deliveries.list({ execution: id })).items;
}

const statusOf = async ({ sdk }: TestApp, { id }: DeliveryView) => (await sdk.deliveries.get(id)).status;

describe("the list", () => {
  it("shows all that is known, newest first, with just the keys that the document promises", async () => {
    const app = await startApp();
    const [newer, older] = await giveCause(app, "batch", "a@example.org", "b@example.org");
    expect(older).toEqual({
      id: 1,
      channel: "mail",
      occasion: "completed",
      executionId: 1,
      batchId: 1,
      batchName: "batch",
      recipient: "a@example.org",
      messageId: expect.stringMatching(/^<1\.completed\.\w+@batchline>$/) as unknown,
      attachLog: false,
      status: "pending",
      attempts: 0,
      nextAttemptAt: "2026-12-01T12:00:00.000Z",
      giveUpAt: "2026-12-02T12:00:00.000Z",
      lastError: expect.stringMatching(/SMTP_URL/) as unknown,
      createdAt: "2026-12-01T12:00:00.000Z",
      finishedAt: null,
      links: { execution: "/api/v1/executions/1" },
    });
    expect(await app.sdk.deliveries.get(2)).toEqual(newer);
    const { schemas } = (await fetchDocument(app)).components;
    expect(Object.keys(newer ?? {}).sort()).toEqual(Object.keys(schemas["Delivery"]?.["properties"] as object).sort());
  });

  it("comes in pages and is filtered by status, batch and execution; what a deleted batch told stays", async () => {
    const app = await startApp();
    const { sdk, clock } = app;
    await giveCause(app, "one", "a@example.org", "b@example.org", "c@example.org");
    clock.advance({ hours: 12 });
    const [two] = await giveCause(app, "two", "a@example.org");
    const recipients = (items: DeliveryView[]) => items.map(({ recipient }) => recipient[0]).join("");
    const first = await sdk.deliveries.list({ batch: "one", limit: 2 });
    expect(recipients(first.items)).toBe("cb");
    const rest = await sdk.deliveries.list({ batch: "one", limit: 2, cursor: first.next ?? "" });
    expect([recipients(rest.items), rest.next]).toEqual(["a", null]);
    expect((await sdk.deliveries.list({ execution: two?.executionId ?? 0 })).items).toEqual([two]);
    clock.advance({ hours: 12 });
    await expect
      .poll(async () => (await sdk.deliveries.list({ status: "undelivered" })).items.length, PATIENCE)
      .toBe(3);
    expect((await sdk.deliveries.list({ status: "pending" })).items).toEqual([two]);
    await sdk.batches.remove("two");
    for (const batch of ["two", two?.batchId ?? 0]) {
      expect((await sdk.deliveries.list({ batch })).items).toEqual([two]);
    }
  });

  it("or a single one refuses what makes no sense", async () => {
    const app = await startApp();
    for (const query of ["status=lost", "execution=0", "execution=x", "cursor=!", "limit=0", "what=1"]) {
      const problem = await problemOf(await app.request(`/api/v1/deliveries?${query}`));
      expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
    }
    expect(await problemOf(await app.request("/api/v1/deliveries/7"))).toMatchObject({ status: 404 });
    expect(await problemOf(await app.request("/api/v1/deliveries/7/retry", post))).toMatchObject({ status: 404 });
    const bare = { ...post, headers: { Authorization: "Bearer nobody" } };
    expect((await app.request("/api/v1/deliveries/7/retry", bare)).status).toBe(401);
  });
});

describe("trying again", () => {
  it("sends what is undelivered, or waits for its next attempt, at once; what was sent is refused", async () => {
    const server = await MailServer.start();
    server.manner = "refuse_recipient";
    const app = await startApp(server.settings);
    const [gaveUp] = await giveCause(app, "one", "a@example.org");
    if (!gaveUp) throw new Error("Nothing was written down.");
    await expect.poll(() => app.sdk.deliveries.get(gaveUp.id), PATIENCE).toMatchObject({ attempts: 1 });
    app.clock.advance({ days: 1 });
    await expect.poll(() => statusOf(app, gaveUp), PATIENCE).toBe("undelivered");
    // Once more in vain: it waits again, for another day.
    const again = await app.sdk.deliveries.retry(gaveUp.id);
    expect(again).toMatchObject({ status: "pending", finishedAt: null, giveUpAt: "2026-12-03T12:00:00.000Z" });
    await expect
      .poll(() => app.sdk.deliveries.get(gaveUp.id), PATIENCE)
      .toMatchObject({ attempts: 2, nextAttemptAt: "2026-12-02T12:01:00.000Z" });
    server.manner = "take";
    await app.sdk.deliveries.retry(gaveUp.id);
    await expect.poll(() => statusOf(app, gaveUp), PATIENCE).toBe("sent");
    expect(server.mails.map(({ messageId }) => messageId)).toEqual([gaveUp.messageId]);
    expect(app.events.count("delivery.retried")).toBe(2);
    const refused = await app.request(`/api/v1/deliveries/${gaveUp.id}/retry`, post);
    expect(await problemOf(refused)).toMatchObject({ status: 409, code: "already_sent" });
    expect(app.events.count("delivery.retried")).toBe(2);
  });

  it("does not begin a second sending beside one that hangs, and follows when that has failed", async () => {
    const server = await MailServer.start();
    server.manner = "hang_after_data";
    const app = await startApp(server.settings);
    const [one] = await giveCause(app, "one", "a@example.org");
    await server.received(1);
    await app.sdk.deliveries.retry(one?.id ?? 0);
    // There is room for two at once: what takes the second place is not the first one again, though it is due.
    const [two] = await giveCause(app, "two", "a@example.org");
    const ids = (await server.received(2)).map(({ messageId }) => messageId);
    expect(ids).toEqual([one?.messageId, two?.messageId]);
    server.manner = "take";
    await server.close();
    await server.open();
    await expect.poll(() => app.sdk.deliveries.get(one?.id ?? 0), PATIENCE).toMatchObject({ status: "sent" });
    expect(server.mails.at(-1)?.messageId).toBe(one?.messageId);
  });

  it("without a mail server keeps it, and says why it is not sent", async () => {
    const app = await startApp();
    const [row] = await giveCause(app, "one", "a@example.org");
    app.clock.advance({ days: 1 });
    if (!row) throw new Error("Nothing was written down.");
    await expect.poll(() => statusOf(app, row), PATIENCE).toBe("undelivered");
    expect(await app.sdk.deliveries.retry(row.id)).toMatchObject({ status: "pending", lastError: row.lastError });
  });
});

describe("addresses in a config", () => {
  it("are refused where they stand if they are none, too long, twice there, or could break a header", async () => {
    const app = await startApp();
    const attempts: [string, string][] = [
      ["a@example.org\r\nBcc: b@example.org", "must be one e-mail address"],
      ["a@example.org\n", "must be one e-mail address"],
      ["Ops <a@example.org>", "must be one e-mail address"],
      ["a@example.org, b@example.org", "must be one e-mail address"],
      ["", "must be one e-mail address"],
      [`a@${"x.".repeat(130)}org`, "at most 254 characters"],
      ["First@example.org", "is there twice"],
    ];
    for (const [address, message] of attempts) {
      const form = new FormData();
      form.set("config", JSON.stringify({ name: "batch", alerts: { emails: ["first@example.org", address] } }));
      form.set("batch", new Blob([await scriptZip("true")]), "batch.zip");
      const problem = await problemOf(await app.request("/api/v1/batches", { ...post, body: form }));
      expect(problem, address).toMatchObject({ status: 400, code: "invalid_config" });
      expect(problem.errors, address).toContainEqual({
        pointer: "/alerts/emails/1",
        message: expect.stringContaining(message) as unknown,
      });
    }
    expect((await app.sdk.batches.list()).items).toEqual([]);
  });
});
