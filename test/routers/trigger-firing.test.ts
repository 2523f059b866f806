// Firing a trigger on demand: what it answers, what it leaves, and what it refuses.
import { describe, expect, it } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

async function withTrigger(config: object = {}, ...script: string[]): Promise<TestApp> {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip(...script, "true"), { name: "batch", ...config });
  await app.sdk.triggers.create({ name: "hook", kind: "api", batch: "batch" });
  return app;
}

/** Everything that the events tell, oldest first. */
const storyOf = ({ events }: TestApp) => events.seen.map(({ kind }) => kind);

function fire(app: TestApp, body: string, headers: Record<string, string> = {}, query = ""): Promise<Response> {
  const type = { "Content-Type": "application/json" };
  return app.request(`/api/v1/triggers/1/fire${query}`, { method: "POST", headers: { ...type, ...headers }, body });
}

describe("with a batch", () => {
  it("answers 202 with event and execution, and the script finds the payload as it was sent", async () => {
    const app = await withTrigger({}, 'cat "$BATCHLINE_PAYLOAD"');
    const answer = await fire(app, '{"payload": {"b": [1, "ä"], "a": null}}');
    expect([answer.status, answer.headers.get("location")]).toEqual([202, "/api/v1/executions/1"]);
    const { eventId, execution } = (await answer.json()) as { eventId: number; execution: { id: number } };
    const ended = await finalRow(app.sdk, execution);
    expect(ended).toMatchObject({
      ...{ status: "completed", source: "api", payload: { b: [1, "ä"], a: null }, test: false },
      ...{ trigger: { id: 1, kind: "api", name: "hook" }, scheduledAt: null },
    });
    expect(await app.sdk.executions.log(1)).toBe('{"b":[1,"ä"],"a":null}');
    const fired = app.events.seen.find(({ kind }) => kind === "trigger.fired");
    expect(fired).toMatchObject({
      ...{ id: eventId, executionId: 1, batchId: 1, source: "api", actor: { kind: "token", name: "administrator" } },
      ...{ subject: { type: "trigger", id: 1, name: "hook" }, payload: { payload: { b: [1, "ä"], a: null } } },
    });
    expect(storyOf(app).slice(-4)).toEqual([
      ...["trigger.fired", "execution.queued", "execution.started", "execution.finished"],
    ]);
    expect((await app.sdk.triggers.get(1)).lastFiredAt).toBe("2026-12-01T12:00:00.000Z");
  });

  it("without a payload there is no payload file; null is one", async () => {
    const app = await withTrigger({ overlap: "queue" }, 'echo "${BATCHLINE_PAYLOAD-none}" | sed "s#.*/##"');
    for (const body of ["", "{}", '{"payload": null}']) await fire(app, body);
    const outputs = [1, 2, 3].map(async (id) => {
      await finalRow(app.sdk, { id });
      return app.sdk.executions.log(id);
    });
    expect(await Promise.all(outputs)).toEqual(["none\n", "none\n", "payload.json\n"]);
  });

  it("begins a chain run where others come after it", async () => {
    const app = await withTrigger();
    await app.sdk.batches.attach("batch", await scriptZip("true"), { name: "next" });
    const { execution } = await app.sdk.triggers.fire(1);
    expect(execution?.chainRunId).not.toBeNull();
    const next = await app.events.find(({ kind, subject }) => kind === "execution.finished" && subject.name === "next");
    expect(await app.sdk.executions.get(next.subject.id)).toMatchObject({ chainRunId: execution?.chainRunId });
  });

  it("the overlap policy counts: what it forbids has its row all the same", async () => {
    const gate = await Gate.make();
    const app = await withTrigger({}, gate.pass());
    await app.sdk.triggers.fire(1);
    const second = await app.sdk.triggers.fire(1);
    expect(second.execution).toMatchObject({ status: "skipped", reason: { code: "overlap" } });
    gate.open();
  });
});

describe("without a batch", () => {
  it("writes its event and no more, with the payload", async () => {
    const app = await startApp();
    await app.sdk.triggers.create({ name: "note", kind: "api" });
    const firing = await app.sdk.triggers.fire(1, { temperature: 21.5 });
    expect(firing).toEqual({ eventId: 2, execution: null });
    expect(await app.events.next("trigger.fired")).toMatchObject({
      ...{ id: 2, batchId: null, executionId: null, payload: { payload: { temperature: 21.5 } } },
    });
    expect((await app.sdk.executions.list()).items).toEqual([]);
    expect((await fire(app, "{}")).headers.get("location")).toBe("/api/v1/events/3");
  });
});

describe("waited for", () => {
  it("answers 200 with the end", async () => {
    const app = await withTrigger({}, "exit 3");
    const answer = await fire(app, "{}", {}, "?wait=30s");
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ execution: { status: "failed", exitCode: 3 } });
  });

  it("answers 202 with how it stands when the time is over", async () => {
    const gate = await Gate.make();
    const app = await withTrigger({}, gate.pass());
    const answer = await fire(app, "{}", {}, "?wait=1s");
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ execution: { status: "running" } });
    gate.open();
  });

  it("what never starts is an end too; where there is no execution there is nothing to wait for", async () => {
    const gate = await Gate.make();
    const app = await withTrigger({}, gate.pass());
    await app.sdk.triggers.fire(1);
    expect((await app.sdk.triggers.fire(1, undefined, { wait: "30s" })).execution).toMatchObject({ status: "skipped" });
    gate.open();
    const note = await app.sdk.triggers.create({ name: "note", kind: "api" });
    expect((await app.sdk.triggers.fire(note.id, 1, { wait: "30s" })).execution).toBeNull();
  });

  it.each(["0", "-1s", "61s", "1h", "soon"])("refuses wait=%s", async (wait) => {
    const app = await withTrigger();
    expect((await problemOf(await fire(app, "{}", {}, `?wait=${wait}`))).status).toBe(400);
    expect((await app.sdk.executions.list()).items).toEqual([]);
  });
});

describe("once per key", () => {
  it.each(["Idempotency-Key", "Batchline-Delivery"])("%s: the same again gets the same answer", async (name) => {
    const app = await withTrigger();
    const [first, second] = [await fire(app, "{}", { [name]: "k" }), await fire(app, "{}", { [name]: "k" })];
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(await second.json()).toEqual(await first.json());
    const other = await problemOf(await fire(app, '{"payload": 1}', { [name]: "k" }));
    expect([other.status, other.code]).toEqual([409, "idempotency_key_reused"]);
    expect((await app.sdk.executions.list()).items).toHaveLength(1);
  });

  it("of many at the same moment one is carried out", async () => {
    const app = await withTrigger({ overlap: "queue" });
    const answers = await Promise.all(Array.from({ length: 20 }, () => fire(app, "{}", { "Idempotency-Key": "k" })));
    const ids = await Promise.all(answers.map(async (answer) => (await answer.json()) as { eventId: number }));
    expect(new Set(ids.map(({ eventId }) => eventId)).size).toBe(1);
    expect((await app.sdk.executions.list()).items).toHaveLength(1);
  });
});

describe("refused", () => {
  it("while it, or its batch, is disabled", async () => {
    const app = await withTrigger();
    await app.sdk.batches.disable("batch");
    const disabled = { status: 409, problem: { code: "disabled" } };
    await expect(app.sdk.triggers.fire(1)).rejects.toMatchObject(disabled);
    await app.sdk.batches.enable("batch");
    await app.sdk.triggers.edit(1, { enabled: false });
    await expect(app.sdk.triggers.fire(1)).rejects.toMatchObject(disabled);
    expect((await app.sdk.executions.list()).items).toEqual([]);
  });

  it("of another kind, or not there at all", async () => {
    const { sdk } = await startApp();
    await sdk.triggers.create({ name: "hourly", kind: "cron", cron: "0 * * * *" });
    await expect(sdk.triggers.fire(1)).rejects.toMatchObject({ status: 409, problem: { code: "other_kind" } });
    await expect(sdk.triggers.fire(9)).rejects.toMatchObject({ status: 404 });
  });

  it("past the limits, with 429 and when to come again; what was accepted is not lost", async () => {
    const gate = await Gate.make();
    const app = await startApp({ CONCURRENCY: "1", MAX_QUEUED: "3" });
    await app.sdk.batches.create(await scriptZip(gate.pass()), { name: "batch", overlap: "allow" });
    await app.sdk.triggers.create({ name: "hook", kind: "api", batch: "batch" });
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await fire(app, "{}")).status);
    const refused = await fire(app, "{}");
    expect((await problemOf(refused.clone())).code).toBe("queue_full");
    expect(refused.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    const accepted = statuses.filter((status) => status === 202).length;
    // The first may still be queued when the others come.
    expect([3, 4]).toContain(accepted);
    expect((await app.sdk.executions.list()).items).toHaveLength(accepted);
    for (let i = 0; i < accepted; i++) gate.open();
    for (let id = 1; id <= accepted; id++)
      expect(await finalRow(app.sdk, { id })).toMatchObject({ status: "completed" });
  });

  it("a full line of its batch is told as 429 too, and leaves no row", async () => {
    const gate = await Gate.make();
    const app = await withTrigger({ overlap: "queue" }, gate.pass());
    for (let i = 0; i < 101; i++) await app.sdk.triggers.fire(1);
    const full = { status: 429, problem: { code: "queue_full" } };
    await expect(app.sdk.triggers.fire(1)).rejects.toMatchObject(full);
    expect((await app.sdk.executions.list({ status: "queued,running", limit: 200 })).items).toHaveLength(101);
    await app.sdk.batches.remove("batch", { force: true });
  });
});
