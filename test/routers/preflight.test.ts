// The preflight: everything that can be said of an upload, at once, without keeping it; and the same with every refusal.
import { expect, it } from "vitest";
import type { UploadReport } from "../../src/sdk/client.js";
import { FREQUENT } from "../hostile/index.js";
import { startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { expectNothingKept, storedArtifacts, uploadBody, type Bytes } from "../support/uploads.js";
import { craftZip, zipOf } from "../support/zips.js";

const bytes = async (files: Parameters<typeof zipOf>[0]): Promise<Bytes> => new Uint8Array(await zipOf(files));
const GOOD = "set -euo pipefail\necho hello\n";

async function dryRun(app: TestApp, route: string, body: FormData, query = ""): Promise<[number, UploadReport]> {
  const response = await app.request(`/api/v1${route}?dryRun=1${query}`, { method: "POST", body });
  return [response.status, (await response.json()) as UploadReport];
}

const codes = ({ findings }: UploadReport) => findings.map(({ level, code }) => `${level} ${code}`);

it("tells what an upload would be and do: the next ten runs, clock changes, changes, and keeps nothing", async () => {
  const app = await startApp();
  const config = { name: "a", cron: "30 2 * * *", timeZone: "Europe/Berlin" };
  const [status, report] = await dryRun(
    app,
    "/batches",
    uploadBody(config, { "a.zip": await bytes({ "script.sh": GOOD }) }),
  );
  expect([status, report.ok, report.findings]).toEqual([200, true, []]);
  expect(report.changes).toEqual([{ code: "batch_made", text: 'The batch "a" is made, with version 1.' }]);
  expect(report.nextRuns).toHaveLength(10);
  expect(report.batch).toMatchObject({
    name: "a",
    schedule: expect.stringContaining("02:30") as string,
    nextRuns: report.nextRuns,
  });
  expect(report.batch?.clockChanges).toMatchObject([
    {
      at: "2027-03-28T01:00:00.000Z",
      text: expect.stringContaining("forward to 03:00") as string,
      runs: ["2027-03-28T01:00:00.000Z"],
    },
    {
      at: "2027-10-31T01:00:00.000Z",
      text: expect.stringContaining("back to 02:00") as string,
      runs: ["2027-10-31T00:30:00.000Z"],
    },
  ]);
  await expectNothingKept(app);
});

it("counts the next runs from the instant that is asked about", async () => {
  const app = await startApp();
  const body = uploadBody({ name: "a", cron: "0 0 1 * *" }, { "a.zip": await bytes({ "script.sh": GOOD }) });
  const [, report] = await dryRun(app, "/batches", body, "&from=2030-01-15T00:00:00Z");
  expect(report.nextRuns[0]).toBe("2030-02-01T00:00:00.000Z");
});

it("names all faults at once, of the config, the archive and the name, each with its place and its mend", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("true"), { name: "taken" });
  const script = { name: "script.sh", content: "#!/usr/bin/python3\r\nif true; then\r\necho hello\r\n" };
  const zip = new Uint8Array(craftZip([script, { name: "../evil", content: "x" }]));
  const body = () => uploadBody({ name: "Taken", cron: "61 * * * *", timeout: "soon" }, { "bad.zip": zip });
  const [status, report] = await dryRun(app, "/batches", body());
  expect([status, report.ok]).toEqual([422, false]);
  expect(codes(report)).toEqual(
    expect.arrayContaining([
      "error invalid_config",
      "error unsafe_path",
      "error script_line_ends",
      "error name_taken",
      "warning shebang_ignored",
      "warning no_strict_mode",
    ]),
  );
  const at = (code: string) => report.findings.find((finding) => finding.code === code);
  expect(at("unsafe_path")).toMatchObject({ archive: "bad.zip", file: "../evil", pointer: null });
  expect(at("script_line_ends")).toMatchObject({ file: "script.sh", line: 1 });
  expect(at("name_taken")).toMatchObject({ pointer: "/name", archive: null });
  for (const { message, fix } of report.findings) expect([message.length > 5, fix.length > 5]).toEqual([true, true]);
  // A refusal of the same upload comes with the same report.
  const problem = await problemOf(await app.request("/api/v1/batches", { method: "POST", body: body() }));
  expect(problem).toMatchObject({ status: 400, code: "invalid_config" });
  expect(problem.report).toEqual(report);
  expect(problem.errors.map(({ pointer }) => pointer)).toEqual(
    expect.arrayContaining(["/cron", "/timeout", "../evil", "script.sh", "/name"]),
  );
  expect((await app.sdk.batches.list()).items).toHaveLength(1);
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("asks bash itself whether the script can be read, and names the line", async () => {
  const app = await startApp();
  const zip = await bytes({ "script.sh": "set -euo pipefail\nif true; then\n  echo hello\n" });
  const [status, report] = await dryRun(app, "/batches", uploadBody({ name: "a" }, { "a.zip": zip }));
  expect([status, codes(report)]).toEqual([422, ["error bash_syntax"]]);
  expect(report.findings[0]?.line).toBeGreaterThan(1);
});

it("warnings refuse nothing", async () => {
  const app = await startApp();
  const body = uploadBody(
    { name: "a", cron: "*/10 * * * * *" },
    { "a.zip": await bytes({ "script.sh": "true\n", ".env": "X=1" }) },
  );
  const [status, report] = await dryRun(app, "/batches", body);
  expect([status, report.ok]).toEqual([200, true]);
  expect(codes(report).sort()).toEqual(["warning frequent", "warning no_strict_mode", "warning private_file"]);
});

it("a schedule that is due more often than MIN_INTERVAL allows is refused, however rare the crowd", async () => {
  const app = await startApp({ MIN_INTERVAL: "10s" });
  const zip = await bytes({ "script.sh": GOOD });
  for (const { title, text } of FREQUENT) {
    const problem = await problemOf(
      await app.request("/api/v1/batches", { method: "POST", body: uploadBody(text, { "a.zip": zip }) }),
    );
    expect(problem, title).toMatchObject({ status: 400, code: "too_frequent", errors: [{ pointer: "/cron" }] });
  }
  await expectNothingKept(app);
});

it("a chain is checked whole: every archive, every config, and what follows what", async () => {
  const app = await startApp();
  const good = await bytes({ "script.sh": GOOD });
  const configs = [
    { name: "a", script: "a" },
    { name: "b", script: "b", after: ["ghost"] },
  ];
  const bad = await bytes({ "script.sh": "fi\n" });
  const [status, report] = await dryRun(
    app,
    "/chains",
    uploadBody(configs, { "a.zip": good, "b.zip": bad }, "batches"),
  );
  expect(status).toBe(422);
  expect(report.findings).toMatchObject([
    { code: "bash_syntax", archive: "b.zip" },
    { code: "invalid_config", pointer: "/1/after/0" },
    { code: "no_strict_mode", level: "warning", archive: "b.zip" },
  ]);
  const right = [
    { name: "a", script: "a" },
    { name: "b", script: "b" },
  ];
  const [, fine] = await dryRun(app, "/chains", uploadBody(right, { "a.zip": good, "b.zip": good }, "batches"));
  expect(fine.changes.map(({ text }) => text)).toEqual([
    'The batch "a" is made, with version 1.',
    'The batch "b" is made, with version 1.',
    '"b" runs after "a".',
  ]);
  expect(fine.batches.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(await app.sdk.chains.check({ "a.zip": good, "b.zip": good }, right)).toEqual(fine);
  await expectNothingKept(app);
});

it("an attached batch, a version and an export are checked the same way", async () => {
  const app = await startApp();
  const zip = await bytes({ "script.sh": GOOD });
  await app.sdk.batches.create(zip, { name: "a" });
  const [, attached] = await dryRun(app, "/batches/a/successors", uploadBody({ name: "b" }, { "b.zip": zip }));
  expect(attached.changes.map(({ code }) => code)).toEqual(["batch_made", "link_made"]);
  const [, known] = await dryRun(app, "/batches/a/versions", uploadBody({ name: "a" }, { "a.zip": zip }));
  expect(known.changes).toMatchObject([{ code: "version_known" }]);
  const more = await bytes({ "script.sh": `${GOOD}#\n` });
  const [, next] = await dryRun(
    app,
    "/batches/a/versions",
    uploadBody({ name: "a", description: "x" }, { "a.zip": more }),
  );
  expect(next.changes.map(({ code }) => code)).toEqual(["config_changed", "version_made", "version_activated"]);
  const form = new FormData();
  form.set("export", new Blob([new Uint8Array(await app.sdk.batches.export("a"))]), "a.batchline.zip");
  form.set("name", "copy");
  const [, copy] = await dryRun(app, "/batches/import", form);
  expect(copy).toMatchObject({ ok: true, batch: { name: "copy" } });
  expect((await app.sdk.batches.list()).items).toHaveLength(1);
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("an export comes back as a batch of its own, archive and config, under its name or another", async () => {
  const app = await startApp();
  const zip = await bytes({ "script.sh": GOOD, "data/ä.txt": "x" });
  await app.sdk.batches.create(zip, { name: "a", cron: "0 3 * * *", env: { A: "1" } });
  const file = new Uint8Array(await app.sdk.batches.export("a"));
  const copy = await app.sdk.batches.import(file, { name: "copy" });
  expect(copy).toMatchObject({ name: "copy", config: { cron: "0 3 * * *", env: { A: "1" } }, version: 1 });
  expect(await app.sdk.batches.artifact("copy")).toEqual(zip);
  await expect(app.sdk.batches.import(file)).rejects.toMatchObject({ status: 409, problem: { code: "name_taken" } });
  await app.sdk.batches.remove("a");
  expect(await app.sdk.batches.import(file)).toMatchObject({ name: "a" });
  const broken = app.sdk.batches.import(zip, { name: "b" });
  await expect(broken).rejects.toMatchObject({ status: 422, problem: { code: "bad_export" } });
  expect(await storedArtifacts(app)).toHaveLength(2);
});
