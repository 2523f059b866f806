// Pins: a trigger or a link that starts one version, whichever is active.
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { passOf } from "../support/chains.js";
import { finalRows } from "../support/ledger.js";
import { scriptZip } from "../support/scripts.js";

it("a pinned trigger starts its version; who asks by hand gets the active one", async () => {
  const { sdk, clock } = await startApp();
  const batch = await sdk.batches.create(await scriptZip("echo one"), {
    name: "a",
    cron: "0 * * * *",
    overlap: "queue",
  });
  await sdk.versions.create("a", await scriptZip("echo two"));
  const id = batch.schedule?.triggerId ?? 0;
  expect(await sdk.triggers.pin(id, 1)).toMatchObject({ id, kind: "cron", cron: "0 * * * *", version: 1 });
  expect((await sdk.batches.get("a")).schedule).toMatchObject({ triggerId: id, version: 1 });
  clock.advance({ hours: 1 });
  await sdk.batches.run("a");
  const rows = await finalRows(sdk, "a", 2);
  expect(rows.map(({ trigger, version }) => [trigger !== null, version]).sort()).toEqual([
    [false, 2],
    [true, 1],
  ]);
  await sdk.triggers.pin(id, null);
  clock.advance({ hours: 1 });
  expect((await finalRows(sdk, "a", 3)).at(-1)).toMatchObject({ version: 2 });
});

it("a pinned link starts its version of the successor; a pass under way keeps what it began with", async () => {
  const { sdk } = await startApp();
  await sdk.batches.create(await scriptZip("true"), { name: "head" });
  const next = await sdk.batches.attach("head", await scriptZip("echo one"), { name: "next" });
  await sdk.versions.create("next", await scriptZip("echo two"));
  const link = next.predecessors[0]?.id ?? 0;
  expect(await sdk.links.pin(link, 1)).toMatchObject({ id: link, version: 1 });
  expect(await sdk.links.get(link)).toMatchObject({ version: 1 });
  const rows = await passOf(sdk, await sdk.batches.run("head", { successors: true }));
  expect(rows["next"]).toMatchObject({ version: 1 });
  expect((await sdk.chainRuns.get(rows["next"]?.chainRunId ?? 0)).links).toMatchObject([{ version: 1 }]);
  await sdk.links.pin(link, null);
  expect((await passOf(sdk, await sdk.batches.run("head", { successors: true })))["next"]).toMatchObject({
    version: 2,
  });
});

it("links that join in one batch cannot name two versions of it", async () => {
  const { sdk } = await startApp();
  const zip = await scriptZip("true");
  for (const name of ["a", "b"]) await sdk.batches.create(zip, { name });
  const joined = await sdk.batches.attach("a", zip, { name: "c", after: ["b"] });
  await sdk.versions.create("c", await scriptZip("echo two"));
  const [first, second] = joined.predecessors.map(({ id }) => id);
  await sdk.links.pin(first ?? 0, 1);
  const other = sdk.links.pin(second ?? 0, 2);
  await expect(other).rejects.toMatchObject({ status: 409, problem: { code: "pins_differ" } });
  await sdk.links.pin(second ?? 0, 1);
});

it("a pin to what is not there is refused, and so is one for another state than it has now", async () => {
  const app = await startApp();
  const { sdk } = app;
  const batch = await sdk.batches.create(await scriptZip("true"), { name: "a", cron: "0 * * * *" });
  const id = batch.schedule?.triggerId ?? 0;
  await expect(sdk.triggers.pin(id, 2)).rejects.toMatchObject({ status: 404, problem: { code: "no_such_version" } });
  await expect(sdk.triggers.pin(99, 1)).rejects.toMatchObject({ status: 404 });
  await expect(sdk.links.pin(99, 1)).rejects.toMatchObject({ status: 404 });
  await sdk.triggers.pin(id, 1);
  const response = await app.request(`/api/v1/triggers/${id}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json", "If-Match": `"${id}-active"` },
    body: '{"version":null}',
  });
  expect(response.status).toBe(412);
});

it("an edit of the schedule keeps its pin", async () => {
  const { sdk } = await startApp();
  const batch = await sdk.batches.create(await scriptZip("true"), { name: "a", cron: "0 * * * *" });
  await sdk.triggers.pin(batch.schedule?.triggerId ?? 0, 1);
  expect((await sdk.batches.edit("a", { cron: "30 * * * *" })).schedule).toMatchObject({ version: 1 });
});
