// Events over HTTP: what really happens is told, listed, filtered and found.
import { describe, expect, it } from "vitest";
import { EVENT_KINDS } from "../../src/models/event.js";
import { BatchlineClient, type EventListQuery } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { takePen } from "../support/event-pen.js";
import { finalRow } from "../support/ledger.js";
import { fetchDocument } from "../support/openapi.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const nothing = await scriptZip("true");

/** `kind name` of each, newest first. */
async function told({ sdk }: TestApp, query?: EventListQuery): Promise<string[]> {
  const { items } = await sdk.events.list({ limit: 200, ...query });
  return items.map(({ kind, subject }) => `${kind} ${subject.name}`);
}

describe("what happens", () => {
  it("is told with all that is known, newest first, with just the keys that the document promises", async () => {
    const app = await startApp();
    const { sdk } = app;
    await sdk.batches.create(nothing, { name: "batch" });
    const { id } = await finalRow(sdk, await sdk.batches.run("batch"));
    const { items, next } = await sdk.events.list();
    expect(next).toBeNull();
    const [finished, started, queued, uploaded] = items;
    expect(items.map(({ kind }) => kind)).toEqual([
      "execution.finished",
      "execution.started",
      "execution.queued",
      "batch.uploaded",
    ]);
    expect(uploaded).toEqual({
      id: 1,
      kind: "batch.uploaded",
      occurredAt: "2026-12-01T12:00:00.000Z",
      subject: { type: "batch", id: 1, name: "batch" },
      batchId: 1,
      executionId: null,
      source: "api",
      actor: { kind: "token", name: "administrator" },
      payload: { version: 1 },
      test: false,
      archived: false,
    });
    expect(finished).toMatchObject({ batchId: 1, executionId: id, payload: { status: "completed" } });
    expect(await sdk.events.get(started?.id ?? 0)).toEqual(started);
    const { schemas } = (await fetchDocument(app)).components;
    expect(Object.keys(queued ?? {}).sort()).toEqual(Object.keys(schemas["Event"]?.["properties"] as object).sort());
  });

  it("stays told when the batch is deleted: by its id, and by the name that it had", async () => {
    const app = await startApp();
    const { sdk } = app;
    for (let i = 0; i < 3; i++) {
      const { id } = await sdk.batches.create(nothing, { name: "batch" });
      await sdk.batches.create(nothing, { name: `other ${i}` });
      await sdk.batches.remove(id);
    }
    const life = ["batch.deleted batch", "batch.uploaded batch"];
    expect(await told(app, { batch: 1 })).toEqual(life);
    expect(await told(app, { batch: "batch" })).toEqual([...life, ...life, ...life]);
    // As many stretches of an index as can be asked for.
    const everything = { kind: EVENT_KINDS.join(","), archived: "all", test: "all" } as const;
    expect(await told(app, { batch: "batch", ...everything })).toEqual([...life, ...life, ...life]);
    await sdk.batches.create(nothing, { name: "batch" });
    expect(await told(app, { batch: "batch" })).toEqual(["batch.uploaded batch"]);
    expect(await told(app, { batch: "nobody" })).toEqual([]);
    expect(await told(app, { batch: 99 })).toEqual([]);
  });

  it("has the administrator's token that the first start made, without the token", async () => {
    const { app, clock } = await startApp({ ADMIN_TOKEN: "" });
    const sdk = new BatchlineClient({ url: app.url, token: app.newToken ?? "" });
    const { items } = await sdk.events.list();
    expect(items).toEqual([
      expect.objectContaining({
        kind: "token.made",
        occurredAt: new Date(clock.now()).toISOString(),
        subject: { type: "token", id: 1, name: "administrator" },
        source: "system",
        actor: { kind: "system", name: "batchline" },
        payload: {},
      }),
    ]);
  });
});

describe("a filter", () => {
  /** Events of two batches, their executions, a trigger and the service, one each second. */
  async function withEvents() {
    const app = await startApp();
    const pen = await takePen(app);
    const day = { batchId: 1, executionId: 7 };
    for (const event of [
      { kind: "batch.uploaded", id: 1, name: "a" },
      { kind: "batch.uploaded", id: 2, name: "b" },
      { kind: "trigger.fired", id: 5, name: "hourly", ...day, source: "schedule" },
      { kind: "execution.queued", id: 7, name: "a", batchId: 1, source: "schedule" },
      { kind: "execution.queued", id: 8, name: "a", batchId: 1, test: true },
      { kind: "delivery.sent", id: 7, name: "a", ...day, payload: { recipient: "Ümit_100%@example.org" } },
      { kind: "retention.done", id: 0, name: "batchline" },
    ] as const) {
      await pen.write(event);
      app.clock.advance({ seconds: 1 });
    }
    await pen.database.write(({ manager }) => manager.query("UPDATE events SET archived = TRUE WHERE id IN (1, 6)"));
    const ids = async (query: EventListQuery) => (await app.sdk.events.list(query)).items.map(({ id }) => id).join(" ");
    return { ids, ...app };
  }

  it("by flags shows what is archived or of tests, unasked neither, of one execution all of it", async () => {
    const { ids, sdk } = await withEvents();
    expect(await ids({})).toBe("7 4 3 2");
    expect(await ids({ archived: 1 })).toBe("6 1");
    expect(await ids({ test: 1 })).toBe("5");
    expect(await ids({ test: "all" })).toBe("7 5 4 3 2");
    expect(await ids({ test: "all", archived: "all" })).toBe("7 6 5 4 3 2 1");
    expect(await ids({ test: 1, archived: 1 })).toBe("");
    expect(await ids({ execution: 7 })).toBe("6 4 3");
    expect(await ids({ execution: 8 })).toBe("5");
    expect(await ids({ execution: 7, archived: 0 })).toBe("4 3");
    expect(await ids({ execution: 8, test: 0 })).toBe("");
    expect(await sdk.events.get(6)).toMatchObject({ archived: true, test: false });
    expect(await sdk.events.get(5)).toMatchObject({ archived: false, test: true });
    expect((await sdk.events.get(7)).subject).toEqual({ type: "service", id: null, name: "batchline" });
  });

  it("by kind, batch, subject and execution can be had in any company", async () => {
    const { ids } = await withEvents();
    const all = { archived: "all", test: "all" } as const;
    expect(await ids({ kind: "execution.queued" })).toBe("4");
    expect(await ids({ kind: "batch.*,retention.done,batch.uploaded", ...all })).toBe("7 2 1");
    expect(await ids({ batch: 1, ...all })).toBe("6 5 4 3 1");
    expect(await ids({ batch: 1, kind: "delivery.*,execution.*", ...all })).toBe("6 5 4");
    expect(await ids({ batch: 2, kind: "execution.*", ...all })).toBe("");
    expect(await ids({ subject: "trigger:5" })).toBe("3");
    expect(await ids({ subject: "batch:1", ...all })).toBe("1");
    expect(await ids({ subject: "execution:7", ...all })).toBe("6 4");
    expect(await ids({ subject: "token:1", ...all })).toBe("");
    expect(await ids({ subject: "trigger:5", kind: "trigger.*", batch: 1 })).toBe("3");
    expect(await ids({ subject: "trigger:5", kind: "batch.*" })).toBe("");
    expect(await ids({ subject: "trigger:5", batch: 2 })).toBe("");
    expect(await ids({ execution: 7, kind: "trigger.*,delivery.*", batch: 1 })).toBe("6 3");
    expect(await ids({ execution: 7, subject: "trigger:5" })).toBe("3");
    expect(await ids({ execution: 7, batch: 2 })).toBe("");
  });

  it("by instants takes the first and leaves out the last", async () => {
    const { ids } = await withEvents();
    const at = (second: number) => `2026-12-01T12:00:0${second}.000Z`;
    const all = { archived: "all", test: "all" } as const;
    expect(await ids({ from: at(2), to: at(5), ...all })).toBe("5 4 3");
    expect(await ids({ from: at(6) })).toBe("7");
    expect(await ids({ to: at(1), ...all })).toBe("1");
    expect(await ids({ to: "2026-12-01T13:00:01+01:00", ...all })).toBe("1");
    expect(await ids({ from: at(2), kind: "execution.*", batch: 1, to: at(4), ...all })).toBe("4");
  });

  it("by text finds names, kinds and payloads as they are written, and no wildcards", async () => {
    const { ids } = await withEvents();
    const all = { archived: "all", test: "all" } as const;
    expect(await ids({ q: "HOUR" })).toBe("3");
    expect(await ids({ q: "retention" })).toBe("7");
    expect(await ids({ q: "ümit_100%", ...all })).toBe("6");
    expect(await ids({ q: "ÜMIT", execution: 7 })).toBe("6");
    expect(await ids({ q: '{"recipient":"Ümit', ...all })).toBe("6");
    expect(await ids({ q: "batchline" })).toBe("7 4 3 2");
    expect(await ids({ q: "a", kind: "batch.*,execution.*", batch: 1, ...all })).toBe("5 4 1");
    // None of these is anywhere, though a pattern, a JSON document or an actor's kind would have it.
    for (const q of ["%", "_", "\\", "!", "umit", "system", "0_%", "'; DROP TABLE events; --"])
      expect(await ids({ q, archived: 0 }), q).toBe("");
  });
});

it("what makes no sense is refused where it stands", async () => {
  const app = await startApp();
  const refused: Record<string, string> = {
    "kind=nonsense": "names no kind of event: nonsense; kinds are batch.uploaded",
    "kind=batch.*,": "names no kind of event: ;",
    "kind=*": "names no kind",
    [`kind=${",".repeat(999)}`]: "names no kind of event: ;",
    [`kind=${"x".repeat(10_000)}`]: "kind",
    "archived=true": "must be 0, 1 or all",
    "test=2": "must be 0, 1 or all",
    "execution=0": "must be a positive whole number",
    "subject=trigger": "must be batch, execution, trigger or token, a colon and an id",
    "subject=service:1": "must be batch",
    "from=2026-12-01T12:00:00Z&to=2026-12-01T12:00:00Z": "to must lie after from",
    "from=2026-12-02T12:00:00Z&to=2026-12-01T12:00:00Z": "to must lie after from",
    "from=yesterday": "must be an instant such as",
    "cursor=bm9uc2Vuc2U": "must be the `next` of a page of events, unchanged",
    "cursor=YWZ0ZXI6NQ": "must be the `next`",
    "limit=201": "from 1 to 200",
    "q=": "q ",
    [`q=${"x".repeat(10_240)}`]: "q ",
    "q=a%00b": "must not hold control characters",
    "archive=1": "did you mean archived?",
  };
  for (const [query, words] of Object.entries(refused)) {
    const problem = await problemOf(await app.request(`/api/v1/events?${query}`));
    expect(problem, query).toMatchObject({ status: 400, code: "invalid_request" });
    expect(problem.detail, query).toContain(words);
    expect(problem.detail.length, query).toBeLessThan(1500);
  }
  expect(await problemOf(await app.request("/api/v1/events/7"))).toMatchObject({ status: 404 });
  expect(await problemOf(await app.request("/api/v1/events/x"))).toMatchObject({ status: 400 });
});
