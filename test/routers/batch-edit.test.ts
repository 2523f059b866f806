// Edits of a batch's config: what a patch changes, what follows from it, and what is refused.
import { expect, it } from "vitest";
import type { BatchView } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

async function patch(app: TestApp, id: string | number, body: unknown, headers = {}, query = ""): Promise<Response> {
  const type = { "Content-Type": "application/merge-patch+json" };
  return app.request(`/api/v1/batches/${id}${query}`, {
    method: "PATCH",
    headers: { ...type, ...headers },
    body: JSON.stringify(body),
  });
}

it("changes what the patch names, takes away what is null, and leaves the rest", async () => {
  const app = await startApp();
  const config = { name: "a", cron: "0 * * * *", timeZone: "Europe/Berlin", env: { A: "1", B: "2" } };
  const before = await app.sdk.batches.create(await scriptZip("true"), config);
  const response = await patch(app, "a", {
    cron: null,
    every: "daily",
    env: { A: null, C: "3" },
    description: "edited",
  });
  const batch = (await response.json()) as BatchView;
  expect(response.status).toBe(200);
  expect(response.headers.get("etag")).toBe(batch.etag);
  expect(batch.etag).not.toBe(before.etag);
  expect(batch.config).toMatchObject({ every: "daily", timeZone: "Europe/Berlin", env: { B: "2", C: "3" } });
  expect(batch.config).not.toHaveProperty("cron");
  expect(batch).toMatchObject({ description: "edited", configRevision: 2, version: 1 });
  expect(batch.nextRuns[0]).toBe("2026-12-01T23:00:00.000Z");
  expect(await app.sdk.batches.get("a")).toEqual(batch);
});

it("an edit that changes nothing is no edit: the tag stays", async () => {
  const { sdk } = await startApp();
  const batch = await sdk.batches.create(await scriptZip("true"), { name: "a", cron: "0 * * * *" });
  expect(await sdk.batches.edit("a", { cron: "0 * * * *", description: "" })).toMatchObject({
    etag: batch.etag,
    configRevision: 1,
  });
});

it("an edit is refused that was made for another state of the batch than it has now", async () => {
  const app = await startApp();
  const { etag } = await app.sdk.batches.create(await scriptZip("true"), { name: "a" });
  expect((await patch(app, "a", { description: "mine" }, { "If-Match": etag })).status).toBe(200);
  const late = await problemOf(await patch(app, "a", { description: "theirs" }, { "If-Match": etag }));
  expect(late).toMatchObject({ status: 412, code: "stale" });
  const { description, etag: now } = await app.sdk.batches.get("a");
  expect(description).toBe("mine");
  expect((await patch(app, "a", { description: "x" }, { "If-Match": `"1-99", ${now}` })).status).toBe(200);
  expect((await patch(app, "a", { description: "y" }, { "If-Match": "*" })).status).toBe(200);
  const removal = await app.request("/api/v1/batches/a", { method: "DELETE", headers: { "If-Match": etag } });
  expect(await problemOf(removal)).toMatchObject({ status: 412 });
});

it("of many edits at once with the same tag exactly one is made", async () => {
  const app = await startApp();
  const { etag } = await app.sdk.batches.create(await scriptZip("true"), { name: "a" });
  const edits = Array.from({ length: 8 }, (_, i) => patch(app, "a", { description: `${i}` }, { "If-Match": etag }));
  const answers = (await Promise.all(edits)).map(({ status }) => status);
  expect(answers.filter((status) => status === 200)).toHaveLength(1);
  expect(answers.filter((status) => status === 412)).toHaveLength(7);
});

it("a new schedule counts from the edit on; what fell due before runs as it was planned", async () => {
  const { sdk, clock } = await startApp();
  await sdk.batches.create(await scriptZip('echo "$1"'), {
    name: "a",
    cron: "*/10 * * * *",
    args: ["old"],
    overlap: "allow",
  });
  clock.advance({ minutes: 10 });
  await finalRows(sdk, "a", 1);
  await sdk.batches.edit("a", { cron: "5 * * * *", args: ["new"] });
  expect((await sdk.batches.get("a")).nextRuns[0]).toBe("2026-12-01T13:05:00.000Z");
  clock.set("2026-12-01T13:05:00Z");
  const rows = await finalRows(sdk, "a", 2);
  expect(rows.map(({ scheduledAt, args, configRevision }) => [scheduledAt, args, configRevision])).toEqual([
    ["2026-12-01T12:10:00.000Z", ["old"], 1],
    ["2026-12-01T13:05:00.000Z", ["new"], 2],
  ]);
  expect(await sdk.executions.log(rows[1]!.id)).toBe("new\n");
});

it("a schedule can be taken away and given again", async () => {
  const { sdk } = await startApp();
  await sdk.batches.create(await scriptZip("true"), { name: "a", cron: "0 * * * *" });
  expect(await sdk.batches.edit("a", { cron: null })).toMatchObject({ schedule: null, nextRuns: [] });
  const { items } = await sdk.plannedRuns.list();
  expect(items).toEqual([]);
  expect(await sdk.batches.edit("a", { cron: "30 * * * *" })).toMatchObject({ schedule: { cron: "30 * * * *" } });
  expect((await sdk.plannedRuns.list({ to: "2026-12-01T14:00:00Z" })).items).toHaveLength(2);
});

it("an edit while disabled begins the pause anew: the gap knows the new schedule alone", async () => {
  const { sdk, clock } = await startApp();
  await sdk.batches.create(await scriptZip("true"), { name: "a", cron: "*/10 * * * *" });
  await sdk.batches.disable("a");
  clock.advance({ minutes: 30 });
  await sdk.batches.edit("a", { cron: "*/20 * * * *" });
  expect(await sdk.batches.gap("a")).toMatchObject({ occurrences: [], count: 0 });
  clock.advance({ minutes: 30 });
  expect((await sdk.batches.gap("a")).occurrences).toEqual(["2026-12-01T12:40:00.000Z", "2026-12-01T13:00:00.000Z"]);
});

it("what is queued keeps the config it was queued with", async () => {
  const { sdk } = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await sdk.batches.create(await scriptZip(gate.pass()), { name: "first" });
  await sdk.batches.create(await scriptZip('echo "$WHO"'), { name: "a", env: { WHO: "old" } });
  await sdk.batches.run("first");
  await gate.arrival();
  const queued = await sdk.batches.run("a");
  await sdk.batches.edit("a", { env: { WHO: "new" } });
  gate.open();
  await finalRow(sdk, queued);
  expect(await sdk.executions.log(queued.id)).toBe("old\n");
});

it("a new name follows into the configs that say the old one", async () => {
  const { sdk } = await startApp();
  const zip = await scriptZip("true");
  await sdk.batches.create(zip, { name: "Old" });
  await sdk.batches.create(zip, { name: "b", requires: ["old"], waitFor: ["OLD"], excludes: ["other"] });
  await sdk.batches.attach("Old", zip, { name: "c", after: ["old"] });
  expect(await sdk.batches.edit("Old", { name: "New" })).toMatchObject({ id: 1, name: "New" });
  expect((await sdk.batches.get("b")).config).toMatchObject({
    requires: ["New"],
    waitFor: ["New"],
    excludes: ["other"],
  });
  expect((await sdk.batches.get("c")).config.after).toEqual(["New"]);
  await expect(sdk.batches.get("Old")).rejects.toMatchObject({ status: 404 });
  expect((await sdk.batches.get("c")).predecessors).toMatchObject([{ predecessorId: 1 }]);
});

it("the links follow `after` and the options of the config", async () => {
  const { sdk } = await startApp();
  const zip = await scriptZip("true");
  for (const name of ["a", "b"]) await sdk.batches.create(zip, { name });
  await sdk.batches.attach("a", zip, { name: "c" });
  await sdk.batches.disable("b");
  const moved = await sdk.batches.edit("c", { after: ["b"], runOn: "failure", previousOutput: true });
  expect(moved.predecessors).toMatchObject([{ predecessorId: 2, runOn: "failure", previousOutput: true }]);
  expect(moved).toMatchObject({ enabled: false, disabledBy: { name: "b" } });
  const free = await sdk.batches.edit("c", { after: null, runOn: null, previousOutput: null });
  expect(free).toMatchObject({ predecessors: [], enabled: true, disabledBy: null });
});

it.each([
  [{ crn: "x" }, "/crn", /did you mean cron\?/],
  [{ cron: "x" }, "/cron", /1\./],
  [{ cron: "0 * * * *", every: "daily" }, "/every", /give only one/],
  [{ name: "B" }, "/name", /exists already/],
  [{ requires: ["ghost"] }, "/requires/0", /no batch named "ghost"/],
  [{ after: ["ghost"] }, "/after/0", /no batch named "ghost"/],
  [{ after: ["c"] }, "/after", /circle/],
  [{ waitFor: ["c"] }, "/waitFor", /circle/],
  [{ at: "2026-11-01T00:00:00Z" }, "/at", /in the past/],
  [{ name: null }, "/name", /is missing/],
  [{ cron: "* * * * * *" }, "/cron", /at most once in 10 s/],
])("%j is refused at %s, and nothing changes", async (body, pointer, message) => {
  const app = await startApp({ MIN_INTERVAL: "10s" });
  const zip = await scriptZip("true");
  const batch = await app.sdk.batches.create(zip, { name: "a" });
  await app.sdk.batches.create(zip, { name: "b" });
  await app.sdk.batches.attach("a", zip, { name: "c" });
  const problem = await problemOf(await patch(app, "a", body));
  expect(problem.errors).toMatchObject([{ pointer, message: expect.stringMatching(message) as unknown }]);
  expect(problem.report?.findings).toMatchObject([{ level: "error", pointer }]);
  expect((await app.sdk.batches.get("a")).etag).toBe(batch.etag);
});

it("dryRun tells what would change, and changes nothing", async () => {
  const app = await startApp();
  const { etag } = await app.sdk.batches.create(await scriptZip("true"), { name: "a", cron: "0 * * * *" });
  const report: unknown = await (
    await patch(app, "a", { cron: "30 2 * * *", timeZone: "Europe/Berlin" }, {}, "?dryRun=1")
  ).json();
  expect(report).toMatchObject({
    ok: true,
    changes: [
      { code: "config_changed", text: 'cron changes from "0 * * * *" to "30 2 * * *".' },
      { code: "config_changed", text: 'timeZone changes from "UTC" to "Europe/Berlin".' },
    ],
    nextRuns: expect.arrayContaining(["2026-12-02T01:30:00.000Z"]) as unknown,
  });
  expect((await app.sdk.batches.get("a")).etag).toBe(etag);
});

it("who is told of a run is what the config says when it ends", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("true"), { name: "a" });
  await app.ended(await app.sdk.batches.run("a"));
  await app.sdk.batches.edit("a", { alerts: { emails: ["me@example.org"] } });
  const told = await app.ended(await app.sdk.batches.run("a"));
  const { items } = await app.sdk.deliveries.list();
  expect(items).toMatchObject([{ executionId: told.id, recipient: "me@example.org", status: "pending" }]);
});
