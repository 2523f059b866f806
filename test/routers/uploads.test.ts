// Uploading one batch: what is taken, what is answered, and the zip as it can be downloaded again.
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { batchSchema } from "../../src/models/batch.js";
import { startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { storedArtifacts, uploadBody, type Bytes } from "../support/uploads.js";

const BATCHES = "/api/v1/batches";

function post(app: TestApp, body: FormData): Promise<Response> {
  return app.request(BATCHES, { method: "POST", body });
}

async function nightly(): Promise<{ app: TestApp; zip: Bytes; response: Response }> {
  const [app, zip] = [await startApp(), await scriptZip("echo hello")];
  const config = { name: "nightly", description: "Copies", cron: "30 2 * * *", args: ["a b"], env: { MODE: "full" } };
  return { app, zip, response: await post(app, uploadBody(config, { "nightly.zip": zip })) };
}

it("POST /batches answers 201 with the address and the whole batch, every key there", async () => {
  const { app, response } = await nightly();
  expect(response.status).toBe(201);
  const batch = (await response.json()) as { id: number };
  expect(batch).toEqual({
    id: 1,
    name: "nightly",
    description: "Copies",
    kind: "script",
    group: null,
    owner: null,
    enabled: true,
    disabledBy: null,
    status: "idle",
    activeExecutions: 0,
    schedule: {
      cron: "30 2 * * *",
      at: null,
      every: null,
      timeZone: "UTC",
      dst: "next_valid",
      words: expect.stringContaining("2:30") as string,
      triggerId: 1,
      version: null,
    },
    nextRuns: [2, 3, 4, 5, 6].map((day) => `2026-12-0${day}T02:30:00.000Z`),
    version: 1,
    configRevision: 1,
    config: {
      name: "nightly",
      description: "Copies",
      cron: "30 2 * * *",
      timeZone: "UTC",
      dst: "next_valid",
      args: ["a b"],
      env: { MODE: "full" },
      independent: false,
      previousOutput: false,
      killAfter: "10s",
      overlap: "skip",
      warningExitCodes: [],
      misfire: "fire_once",
      misfireWithin: "1m",
      requires: [],
      excludes: [],
      waitFor: [],
      leftovers: "end",
    },
    predecessors: [],
    successors: [],
    lastExecution: null,
    createdAt: "2026-12-01T12:00:00.000Z",
    updatedAt: "2026-12-01T12:00:00.000Z",
    etag: expect.stringMatching(/^"[^"]+"$/) as string,
  });
  expect(response.headers.get("location")).toBe(`${BATCHES}/${batch.id}`);
  const again = await app.request(response.headers.get("location") ?? "");
  expect(await again.json()).toEqual(batch);
});

it("POST /batches takes the config as a file too, with or without a byte order mark", async () => {
  const app = await startApp();
  for (const [name, mark] of [
    ["plain", ""],
    ["marked", "\ufeff"],
  ] as const) {
    const form = uploadBody("", { "a.zip": await scriptZip("echo hello") });
    form.set("config", new Blob([`${mark}{"name":"${name}"}`]), "config.json");
    const response = await post(app, form);
    expect(response.status, name).toBe(201);
    expect(await response.json()).toMatchObject({ name });
  }
});

it("the older system's key names are understood, and answered under ours", async () => {
  const app = await startApp();
  const older = { jobName: "legacy", jobDesc: "From before", independant: true, prevBatchInput: true };
  const response = await post(app, uploadBody(older, { "legacy.zip": await scriptZip("echo hello") }));
  const batch = batchSchema.parse(await response.json());
  expect(batch).toMatchObject({ name: "legacy", description: "From before" });
  expect(batch.config).toMatchObject({ name: "legacy", independent: true, previousOutput: true });
  expect(Object.keys(batch.config).filter((key) => key in older)).toEqual([]);
});

it("every kind of schedule is shown as it was given, in words, and with the runs it means", async () => {
  const { sdk } = await startApp();
  const zip = await scriptZip("echo hello");
  const at = await sdk.batches.create(zip, { name: "once", at: "2026-12-24T18:00:00+01:00" });
  expect(at.schedule).toMatchObject({ cron: null, at: "2026-12-24T17:00:00.000Z", every: null });
  expect(at.nextRuns).toEqual(["2026-12-24T17:00:00.000Z"]);
  const every = await sdk.batches.create(zip, { name: "daily", every: "daily", timeZone: "Asia/Tokyo" });
  expect(every.schedule).toMatchObject({ cron: null, at: null, every: "daily", timeZone: "Asia/Tokyo" });
  expect(every.nextRuns[0]).toBe("2026-12-01T15:00:00.000Z");
  expect(every.nextRuns).toHaveLength(5);
  for (const { schedule } of [at, every]) expect(schedule?.words).toMatch(/\w/);
  const none = await sdk.batches.create(zip, { name: "by hand" });
  expect(none).toMatchObject({ schedule: null, nextRuns: [] });
});

it("GET /batches/:id/artifact gives the zip byte for byte, with length, digest and name, by id or by name", async () => {
  const { app, zip } = await nightly();
  for (const reference of ["1", "nightly"]) {
    const response = await app.request(`${BATCHES}/${reference}/artifact`);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/zip",
      "content-length": String(zip.length),
      "content-disposition": `attachment; filename="nightly.zip"; filename*=UTF-8''nightly.zip`,
      "x-content-type-options": "nosniff",
      etag: `"${createHash("sha256").update(zip).digest("hex")}"`,
    });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(zip);
  }
  const head = await app.request(`${BATCHES}/1/artifact`, { method: "HEAD" });
  expect(head.headers.get("content-length")).toBe(String(zip.length));
  expect(await head.text()).toBe("");
  await expect(problemOf(await app.request(`${BATCHES}/2/artifact`))).resolves.toMatchObject({ status: 404 });
});

it("names of batches and of files survive in any script of the world", async () => {
  const app = await startApp();
  const [name, fileName] = ["Ärger 日本 – søm 😀", "sømna (1) 日本's 😀.zip"];
  const response = await post(app, uploadBody({ name }, { [fileName]: await scriptZip("echo hello") }));
  expect(await response.json()).toMatchObject({ name });
  expect(await app.sdk.batches.get(name)).toMatchObject({ id: 1, name });
  expect(await app.sdk.batches.get(name.toUpperCase().normalize("NFD"))).toMatchObject({ id: 1 });
  const download = await app.request(`${BATCHES}/1/artifact`);
  const [, plain, extended] =
    /^attachment; filename="([\w.-]+)"; filename\*=UTF-8''([\w.%~!-]+)$/.exec(
      download.headers.get("content-disposition") ?? "",
    ) ?? [];
  expect(plain).toMatch(/\.zip$/);
  expect(decodeURIComponent(extended ?? "")).toBe(fileName);
});

it("a path or a quote in the file's name never gets into the download's header", async () => {
  const app = await startApp();
  const sent = { '../../etc/a";\r\nX-Evil: 1.zip': await scriptZip("echo hello") };
  expect((await post(app, uploadBody({ name: "evil" }, sent))).status).toBe(201);
  const { headers } = await app.request(`${BATCHES}/evil/artifact`);
  expect(headers.get("x-evil")).toBeNull();
  expect(headers.get("content-disposition")).toMatch(/^attachment; filename="[\w.-]+"; filename\*=UTF-8''[\w.%~!-]+$/);
  expect(headers.get("content-disposition")).not.toMatch(/\/|\.\.|%2f/i);
});

it("of two uploads under one name at the same moment exactly one is taken", async () => {
  const app = await startApp();
  const zip = await scriptZip("echo hello");
  const names = ["twin", "TWIN"];
  const responses = await Promise.all(names.map((name) => post(app, uploadBody({ name }, { "twin.zip": zip }))));
  expect(responses.map(({ status }) => status).sort()).toEqual([201, 409]);
  expect((await app.sdk.batches.list()).items).toHaveLength(1);
  expect(await storedArtifacts(app)).toHaveLength(1);
});
