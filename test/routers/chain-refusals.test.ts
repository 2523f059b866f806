// Chains that are refused: archives that nobody or too many claim, circles, strangers; none leaves anything behind.
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { expect, it } from "vitest";
import type { Problem } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { bytesOf, expectNothingKept, storedArtifacts, uploadBody, type Bytes } from "../support/uploads.js";
import { craftZip } from "../support/zips.js";

const zip = await scriptZip("echo hello");
const NOISE = randomBytes(10_000_000);

/** Sends a chain with these archives, all alike, and gives the problem that it must meet with. */
async function refused(app: TestApp, configs: unknown, archives: string[]): Promise<Problem> {
  const body = uploadBody(configs, {}, "batches");
  for (const name of archives) body.append("batches", new Blob([zip]), name);
  return problemOf(await app.request("/api/v1/chains", { method: "POST", body }));
}

/** The message at each place; several at one place are joined. */
function messages({ errors }: Problem): Record<string, string> {
  const all: Record<string, string> = {};
  for (const { pointer, message } of errors) all[pointer] = all[pointer] ? `${all[pointer]}; ${message}` : message;
  return all;
}

it("configs and archives that do not pair one to one are refused, each by its name", async () => {
  const app = await startApp();
  const [a, b] = [
    { name: "a", script: "a.zip" },
    { name: "b", script: "b" },
  ];
  const cases: [configs: object[], archives: string[], errors: Record<string, string>][] = [
    [
      [a, b],
      ["a.zip"],
      {
        "": "there are 2 configs but 1 archives",
        "/1/script": 'names the archive "b", which is not among the uploaded ones',
      },
    ],
    [
      [a],
      ["a.zip", "c.zip"],
      { "": "there are 1 configs but 2 archives", "batches[1]": `no config's script names the archive "c.zip"` },
    ],
    [
      [a, { name: "b", script: "a" }],
      ["a.zip", "b.zip"],
      {
        "/1/script": 'names the archive "a", which config 0 has claimed already',
        "batches[1]": `no config's script names the archive "b.zip"`,
      },
    ],
    [
      [a, b],
      ["a.zip", "a"],
      {
        "/1/script": 'names the archive "b", which is not among the uploaded ones',
        "batches[1]": 'the archive "a" was sent twice under that name',
      },
    ],
    [
      [a, { name: "b" }],
      ["a.zip", "b.zip"],
      {
        "/1/script": "is missing: in a chain it names the archive that belongs to this config",
        "batches[1]": `no config's script names the archive "b.zip"`,
      },
    ],
    [
      [a, b],
      ["a.zip", "B.zip"],
      {
        "/1/script": 'names the archive "b", which is not among the uploaded ones',
        "batches[1]": `no config's script names the archive "B.zip"`,
      },
    ],
  ];
  for (const [configs, archives, errors] of cases) {
    const problem = await refused(app, configs, archives);
    expect(problem, archives.join()).toMatchObject({ status: 400, code: "invalid_config" });
    expect(messages(problem), archives.join()).toEqual(errors);
  }
  await expectNothingKept(app);
});

it("the faults of all configs are told at once, each with its place in the array", async () => {
  const app = await startApp();
  const configs = [{ name: "a", scrip: "a" }, "b", { name: "c", script: "c", cron: "x" }, { jobName: "d", name: "d" }];
  const problem = await refused(app, configs, ["a.zip"]);
  const faults = ["/0/scrip", "/1", "/2/cron", "/3/jobName"];
  // And which archive belongs to whom, which is a fault beside those.
  const pairs = ["", "/0/script", "/1/script", "/2/script", "/3/script", "batches[0]"];
  expect(Object.keys(messages(problem)).sort()).toEqual([...faults, ...pairs].sort());
  expect(messages(problem)["/0/scrip"]).toBe("unknown key; did you mean script?");
  const twice = await refused(
    app,
    ["x", "X"].map((name, i) => ({ name, script: String(i) })),
    ["0.zip", "1.zip"],
  );
  expect(messages(twice)).toEqual({ "/1/name": '"X" is the name of config 0 too' });
  await expectNothingKept(app);
});

it("a config that is no array of 1 to 100 configs is refused", async () => {
  const app = await startApp();
  const crowd = Array.from({ length: 101 }, (_, i) => ({ name: `n${i}`, script: "a" }));
  for (const configs of [{ name: "a", script: "a" }, [], crowd]) {
    expect(await refused(app, configs, ["a.zip"])).toMatchObject({ status: 400, code: "invalid_config" });
  }
  const wrongPart = uploadBody([{ name: "a", script: "a" }], { "a.zip": zip });
  const response = await app.request("/api/v1/chains", { method: "POST", body: wrongPart });
  expect(await problemOf(response)).toMatchObject({ status: 400, errors: [{ pointer: "batch" }] });
  await expectNothingKept(app);
});

it("a circle is refused with the names along it", async () => {
  const app = await startApp();
  const circle = [
    { name: "start", script: "0" },
    { name: "one", script: "1", after: ["two"] },
    { name: "two", script: "2", after: ["ONE", "start"] },
  ];
  const problem = await refused(app, circle, ["0.zip", "1.zip", "2.zip"]);
  expect(problem.status).toBe(400);
  const [message = ""] = Object.values(messages(problem));
  expect(message).toMatch(/"(one|two)" is followed by "(one|two)" is followed by "\1"/);
  expect(message).not.toContain("start");
  const self = await refused(app, [{ name: "me", script: "0", after: ["me"] }], ["0.zip"]);
  expect(messages(self)["/0/after"]).toMatch(/"me" is followed by "me"/);
  await expectNothingKept(app);
});

it("a predecessor that nobody knows, or a schedule on a batch that follows another, is refused in its place", async () => {
  const app = await startApp();
  const problem = await refused(
    app,
    [
      { name: "a", script: "0", every: "daily", after: ["nobody"] },
      { name: "b", script: "1", cron: "@daily" },
      { name: "c", script: "2", at: "2027-01-01T00:00:00Z", after: ["a", "no one"] },
    ],
    ["0.zip", "1.zip", "2.zip"],
  );
  expect(problem.status).toBe(400);
  expect(messages(problem)).toEqual({
    "/0/after/0": 'there is no batch named "nobody"',
    "/1/cron": expect.stringMatching(/has no schedule of its own/) as string,
    "/2/after/1": 'there is no batch named "no one"',
    "/2/at": expect.stringMatching(/has no schedule of its own/) as string,
  });
  await expectNothingKept(app);
});

it("a schedule on an attached batch is refused too, and what it was to follow stays as it was", async () => {
  const app = await startApp();
  const before = await app.sdk.batches.create(zip, { name: "base" });
  for (const config of [
    { name: "x", cron: "@daily" },
    { name: "x", every: "daily" },
    { name: "base" },
    { name: "x", after: ["ghost"] },
  ]) {
    const body = uploadBody(config, { "x.zip": zip });
    const response = await app.request("/api/v1/batches/base/successors", { method: "POST", body });
    expect([400, 409]).toContain((await problemOf(response)).status);
  }
  expect(await app.sdk.batches.list()).toEqual({ items: [before], next: null });
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("if one archive of a chain is bad or one name is taken, none of the others stays", async () => {
  const app = await startApp();
  const climber = bytesOf(craftZip([{ name: "script.sh", content: "echo\n" }, { name: "../evil" }]));
  const send = async (last: string, archives: Record<string, Bytes>) => {
    const configs = ["a", "b", last].map((name, i) => ({ name, script: String(i) }));
    const body = uploadBody(configs, archives, "batches");
    return problemOf(await app.request("/api/v1/chains", { method: "POST", body }));
  };
  const bad = await send("c", { "0.zip": zip, "1.zip": zip, "2.zip": climber });
  expect(bad).toMatchObject({ status: 422, code: "unsafe_path", errors: [{ pointer: "../evil" }] });
  await expectNothingKept(app);
  const taken = await app.sdk.batches.create(zip, { name: "c" });
  const late = await send("C", { "0.zip": zip, "1.zip": zip, "2.zip": zip });
  expect(late).toMatchObject({ status: 409, code: "name_taken", errors: [{ pointer: "/2/name" }] });
  expect(await app.sdk.batches.list()).toEqual({ items: [taken], next: null });
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("attaching to a batch that is deleted meanwhile is no fault of the service, and leaves no half of it", async () => {
  const app = await startApp();
  await app.sdk.batches.create(zip, { name: "base" });
  const large = bytesOf(
    craftZip([
      { name: "script.sh", content: "echo\n" },
      { name: "data", method: 0, content: NOISE },
    ]),
  );
  const body = uploadBody({ name: "late" }, { "late.zip": large });
  const attaching = app.request("/api/v1/batches/base/successors", { method: "POST", body });
  // The archive is being unpacked: what it is to follow has been looked up, and nothing is written yet.
  const staging = `${app.config.uploadsDir}/.staging`;
  const unpacking = async () => (await readdir(staging)).some((name) => name.startsWith("staged-"));
  await expect.poll(unpacking, { timeout: 10_000, interval: 2 }).toBe(true);
  await app.sdk.batches.remove("base");
  const response = await attaching;
  // Should the deletion have been the slower one, there is a batch that follows nothing.
  if (response.status === 201) expect(await app.sdk.batches.get("late")).toMatchObject({ predecessors: [] });
  else expect(await problemOf(response)).toMatchObject({ status: 404, code: "not_found" });
  expect(await storedArtifacts(app)).toHaveLength(response.status === 201 ? 1 : 0);
});
