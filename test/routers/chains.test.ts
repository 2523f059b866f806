// Uploading chains: which archive belongs to which config, what follows what, and attaching to what is there.
import { expect, it } from "vitest";
import { batchSchema, chainSchema, type ChainView } from "../../src/models/batch.js";
import { startApp, type TestApp } from "../support/app.js";
import { scriptZip } from "../support/scripts.js";
import { uploadBody, type Bytes } from "../support/uploads.js";

const zip = await scriptZip("echo hello");

/** The links of an upload by the names of their ends, in the order answered. */
function ties({ batches, links }: ChainView): string[] {
  const name = (id: number) => batches.find((batch) => batch.id === id)?.name ?? String(id);
  return links.map(({ predecessorId, successorId }) => `${name(predecessorId)} > ${name(successorId)}`);
}

/** A chain of these names, each with what it is `after`, whose archives are all alike. */
function createChain({ sdk }: TestApp, after: Record<string, string[] | undefined>): Promise<ChainView> {
  const names = Object.keys(after);
  const configs = names.map((name) => ({ name, script: name, ...(after[name] ? { after: after[name] } : {}) }));
  return sdk.chains.create(Object.fromEntries(names.map((name) => [`${name}.zip`, zip])), configs);
}

it("POST /chains answers 201 with batches and links in the order of the configs, whatever the order of the zips", async () => {
  const app = await startApp();
  const configs = [
    { name: "load", script: "load.zip", cron: "@daily" },
    { name: "check", script: "check", independant: true },
    { name: "report", script: "report.ZIP", prevBatchInput: true, runOn: "failure" },
  ];
  const body = uploadBody(configs, { "report.zip": zip, "load.zip": zip, "check.zip": zip }, "batches");
  const response = await app.request("/api/v1/chains", { method: "POST", body });
  expect(response.status).toBe(201);
  const answer: unknown = await response.json();
  const chain = chainSchema.strict().parse(answer);
  expect(answer).toEqual(chain);
  expect(chain.batches.map(({ name }) => name)).toEqual(["load", "check", "report"]);
  const [load, check, report] = chain.batches.map(({ id }) => id);
  expect(response.headers.get("location")).toBe(`/api/v1/batches/${load ?? ""}`);
  const [first, second] = chain.links;
  const plain = { id: first?.id, previousOutput: false, independent: true, runOn: "always", version: null };
  expect(first).toEqual({ ...plain, predecessorId: load, successorId: check });
  const reporting = { id: second?.id, previousOutput: true, independent: false, runOn: "failure", version: null };
  expect(second).toEqual({ ...reporting, predecessorId: check, successorId: report });
  expect(chain.links).toHaveLength(2);
  expect(chain.batches.map(({ predecessors, successors }) => [predecessors, successors])).toEqual([
    [[], [first]],
    [[first], [second]],
    [[second], []],
  ]);
  expect(chain.batches.map(({ nextRuns }) => nextRuns.length)).toEqual([5, 0, 0]);
});

it("each config gets the very archive that its `script` names, with or without .zip", async () => {
  const app = await startApp();
  const zips: Record<string, Bytes> = {};
  for (const name of ["a", "a.b", "ä 日本"]) zips[`${name}.zip`] = await scriptZip(`echo "${name}"`);
  const configs = [
    { name: "third", script: "ä 日本".normalize("NFD") },
    { name: "first", script: "a.zip" },
    { name: "second", script: "a.b" },
  ];
  await app.sdk.chains.create(zips, configs);
  expect(await app.sdk.batches.artifact("first")).toEqual(zips["a.zip"]);
  expect(await app.sdk.batches.artifact("second")).toEqual(zips["a.b.zip"]);
  expect(await app.sdk.batches.artifact("third")).toEqual(zips["ä 日本.zip"]);
});

it("`after` makes any graph: a diamond, and names in any letters and any order", async () => {
  const app = await startApp();
  const chain = await createChain(app, { top: undefined, left: ["top"], right: ["TOP"], join: ["right", "left"] });
  expect(ties(chain)).toEqual(["top > left", "top > right", "right > join", "left > join"]);
  const join = await app.sdk.batches.get("join");
  expect(join.predecessors.map(({ predecessorId }) => predecessorId)).toEqual([3, 2]);
});

it("`after` may name a config further down, and batches that were there before", async () => {
  const app = await startApp();
  const { id: old } = await app.sdk.batches.create(zip, { name: "old" });
  const chain = await createChain(app, { late: ["early", "old"], early: ["old"] });
  expect(ties(chain)).toEqual(["early > late", `${old} > late`, `${old} > early`]);
  expect((await app.sdk.batches.get("old")).successors).toEqual(chain.links.slice(1));
  const single = await app.sdk.batches.create(zip, { name: "single", after: ["old", "OLD"] });
  expect(single.predecessors.map(({ predecessorId }) => predecessorId)).toEqual([old]);
});

it("a chain of one config is a chain without links", async () => {
  const app = await startApp();
  const chain = await createChain(app, { alone: undefined });
  expect(chain.batches.map(({ name }) => name)).toEqual(["alone"]);
  expect(chain.links).toEqual([]);
});

it("POST /batches/:id/successors attaches a batch after an existing one, with all options of a link", async () => {
  const app = await startApp();
  await app.sdk.batches.create(zip, { name: "base", cron: "@daily" });
  const config = { name: "cleanup", runOn: "failure", previousOutput: true };
  const body = uploadBody(config, { "cleanup.zip": zip });
  const response = await app.request("/api/v1/batches/BASE/successors", { method: "POST", body });
  expect(response.status).toBe(201);
  expect(response.headers.get("location")).toBe("/api/v1/batches/2");
  const batch = batchSchema.parse(await response.json());
  const options = { runOn: "failure", independent: false, previousOutput: true, version: null };
  const link = { id: 1, predecessorId: 1, successorId: 2, ...options };
  expect(batch).toMatchObject({ id: 2, name: "cleanup", predecessors: [link], successors: [] });
  expect((await app.sdk.batches.get("base")).successors).toEqual([link]);
  const always = await app.sdk.batches.attach("base", zip, { name: "tell", independent: true, after: ["cleanup"] });
  expect(always.predecessors.map(({ predecessorId, runOn }) => [predecessorId, runOn])).toEqual([
    [1, "always"],
    [2, "always"],
  ]);
});

it("what is attached behind a disabled batch is withdrawn with it", async () => {
  const app = await startApp();
  await app.sdk.batches.create(zip, { name: "base", cron: "@daily" });
  await app.sdk.batches.disable("base");
  const later = await app.sdk.batches.attach("base", zip, { name: "later" });
  expect(later).toMatchObject({ enabled: false, disabledBy: { id: 1, name: "base" } });
  await app.sdk.batches.enable("base");
  expect(await app.sdk.batches.get("later")).toMatchObject({ enabled: true, disabledBy: null });
});
