// What configs say of other batches: names that must exist, names that may come later, and no waiting in a circle.
import { expect, it } from "vitest";
import type { BatchConfigInput, Problem } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { uploadChain } from "../support/chains.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { expectNothingKept, uploadBody } from "../support/uploads.js";

const nothing = await scriptZip("true");

async function refusedChain(app: TestApp, configs: BatchConfigInput[]): Promise<Problem> {
  const body = uploadBody(
    configs.map((config) => ({ ...config, script: config.name })),
    {},
    "batches",
  );
  for (const { name } of configs) body.append("batches", new Blob([nothing]), `${name}.zip`);
  return problemOf(await app.request("/api/v1/chains", { method: "POST", body }));
}

const faults = ({ errors }: Problem) => Object.fromEntries(errors.map(({ pointer, message }) => [pointer, message]));

it("names of batches that are there or in the same upload are taken, upper and lower case alike", async () => {
  const { sdk } = await startApp();
  await sdk.batches.create(nothing, { name: "there" });
  await uploadChain(
    sdk,
    { name: "a", requires: ["THERE", "b"], waitFor: ["there"], excludes: ["nobody yet"], lines: ["true"] },
    { name: "b", waitFor: ["A"], lines: ["true"] },
  );
  expect((await sdk.batches.get("a")).config).toMatchObject({ requires: ["THERE", "b"], excludes: ["nobody yet"] });
});

it("every unknown name in requires and waitFor is refused at its place, and nothing is kept", async () => {
  const app = await startApp();
  const problem = await refusedChain(app, [
    { name: "a", requires: ["b", "ghost"] },
    { name: "b", waitFor: ["phantom", "a"], excludes: ["spectre"] },
  ]);
  expect([problem.status, problem.code]).toEqual([400, "invalid_config"]);
  expect(faults(problem)).toEqual({
    "/0/requires/1": 'there is no batch named "ghost"',
    "/1/waitFor/0": 'there is no batch named "phantom"',
  });
  expect(problem.detail).toContain('/0/requires/1 there is no batch named "ghost"');
  await expectNothingKept(app);
});

it("a circle of waiting is refused with the names along it", async () => {
  const app = await startApp();
  const problem = await refusedChain(app, [
    { name: "free" },
    { name: "a", waitFor: ["b"] },
    { name: "b", waitFor: ["free", "c"] },
    { name: "c", waitFor: ["a"] },
  ]);
  const [[pointer, message]] = Object.entries(faults(problem)) as [[string, string]];
  expect(pointer).toBe("/1/waitFor");
  expect(message).toMatch(/^closes a circle in which each waits for the next and none would ever run: /);
  const names = message.split(": ")[1]?.split(" waits for ") ?? [];
  expect(names).toHaveLength(4);
  expect(names[0]).toBe(names[3]);
  expect(["a b c a", "b c a b", "c a b c"]).toContain(names.join(" ").replaceAll('"', ""));
  await expectNothingKept(app);
});

it("a name that comes back can close a circle with a batch that waited for it all along", async () => {
  const { sdk } = await startApp();
  await sdk.batches.create(nothing, { name: "b" });
  await sdk.batches.create(nothing, { name: "a", waitFor: ["b"] });
  await sdk.batches.remove("b");
  await expect(sdk.batches.create(nothing, { name: "b", waitFor: ["a"] })).rejects.toThrow(
    /"b" waits for "a" waits for "b"|"a" waits for "b" waits for "a"/,
  );
  await sdk.batches.create(nothing, { name: "c", waitFor: ["a"] });
  // The same by a detour over a batch that the upload does not name.
  await expect(sdk.batches.create(nothing, { name: "b", waitFor: ["c"] })).rejects.toThrow(/closes a circle/);
  await sdk.batches.create(nothing, { name: "b", requires: ["a"] });
});

it("a batch cannot wait for one that comes after it in the same chain", async () => {
  const { sdk } = await startApp();
  const zips = { "head.zip": new Blob([nothing]), "next.zip": new Blob([nothing]) };
  const upload = (waitFor: string[]) =>
    sdk.chains.create(zips, [
      { name: "head", script: "head", waitFor },
      { name: "next", script: "next" },
    ]);
  await expect(upload(["next"])).rejects.toThrow(/closes a circle/);
  expect((await upload([])).links).toHaveLength(1);
});
