// The versions of a batch: lists in pages, what is told of each, their zips, and what happens when one is gone.
import { createHash } from "node:crypto";
import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { versionSchema } from "../../src/models/version.js";
import { startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { addVersion, SCRIPT, withVersions } from "../support/versions.js";
import { zipOf } from "../support/zips.js";

const VERSIONS = "/api/v1/batches/a/versions";

/** The folders of the artifacts, oldest version first. */
async function artifactFolders({ config }: TestApp): Promise<string[]> {
  const names = (await readdir(config.uploadsDir)).filter((name) => !name.startsWith("."));
  return names.sort().map((name) => join(config.uploadsDir, name));
}

it("GET /versions/:n tells all of an upload: its digest, sizes, config, time and uploader", async () => {
  const app = await startApp();
  await withVersions(app, {});
  app.clock.advance({ hours: 1 });
  const zip = await zipOf({ ...SCRIPT, "data/": "", "data/x.txt": "12345" });
  await addVersion(app, zip, { cron: "0 3 * * *" });
  const second = await app.sdk.versions.get("a", 2);
  expect(versionSchema.strict().parse(second)).toEqual(second);
  expect(second).toMatchObject({
    version: 2,
    active: true,
    sha256: createHash("sha256").update(zip).digest("hex"),
    fileName: "batch.zip",
    bytes: zip.length,
    fileCount: 2,
    unpackedBytes: 16,
    configRevision: 2,
    config: { name: "a", cron: "0 3 * * *" },
    createdAt: "2026-12-01T13:00:00.000Z",
    createdBy: { kind: "token", name: "administrator" },
    missing: false,
    links: { artifact: "/api/v1/batches/1/versions/2/artifact", files: "/api/v1/batches/1/versions/2/files" },
  });
  const first = await app.sdk.versions.get("a", 1);
  expect(first).toMatchObject({
    version: 1,
    active: false,
    configRevision: 1,
    createdBy: { kind: "token", name: "administrator" },
  });
  expect(first.config).not.toHaveProperty("cron");
});

it("GET /versions gives the newest first, page by page", async () => {
  const app = await startApp();
  await withVersions(app, {}, { b: "2" }, { b: "3" });
  const numbers = async (query: { limit?: number; cursor?: string }) => {
    const { items, next } = await app.sdk.versions.list("a", query);
    return { numbers: items.map(({ version }) => version), next };
  };
  expect(await numbers({})).toEqual({ numbers: [3, 2, 1], next: null });
  const first = await numbers({ limit: 2 });
  expect(first.numbers).toEqual([3, 2]);
  expect(await numbers({ limit: 2, cursor: first.next ?? "" })).toEqual({ numbers: [1], next: null });
});

it("every version's zip comes back byte for byte, long after others have followed it", async () => {
  const app = await startApp();
  const zips = await Promise.all(["1", "2"].map((b) => zipOf({ ...SCRIPT, b })));
  await app.sdk.batches.create(new Uint8Array(zips[0]!), { name: "a" });
  await addVersion(app, zips[1]!);
  expect(Buffer.from(await app.sdk.versions.artifact("a", 1))).toEqual(zips[0]);
  const response = await app.request(`${VERSIONS}/2/artifact`);
  expect(Buffer.from(await response.arrayBuffer())).toEqual(zips[1]);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "application/zip",
    "content-length": String(zips[1]!.length),
    "content-disposition": `attachment; filename="batch.zip"; filename*=UTF-8''batch.zip`,
    etag: `"${createHash("sha256").update(zips[1]!).digest("hex")}"`,
  });
  const head = await app.request(`${VERSIONS}/2/artifact`, { method: "HEAD" });
  expect(head.headers.get("content-length")).toBe(String(zips[1]!.length));
  expect(await head.text()).toBe("");
});

it("a batch or a version that is not there is 404 on every route, and a number that is none is 400", async () => {
  const app = await startApp();
  await withVersions(app, {});
  for (const route of ["", "/artifact", "/files", "/files/script.sh", "/diff"]) {
    const unknown = await problemOf(await app.request(`${VERSIONS}/2${route}`));
    expect(unknown, route).toMatchObject({ status: 404, code: "no_such_version" });
    expect(unknown.detail).toContain("version 2");
    const ghost = await problemOf(await app.request(`/api/v1/batches/ghost/versions/1${route}`));
    expect(ghost, route).toMatchObject({ status: 404, code: "not_found" });
    for (const number of ["0", "-1", "1e0", "01", "x", "1%27"]) {
      const odd = await problemOf(await app.request(`${VERSIONS}/${number}${route}`));
      expect(odd, number + route).toMatchObject({ status: 400, errors: [{ pointer: "path/n" }] });
    }
  }
  expect(await problemOf(await app.request("/api/v1/batches/ghost/versions"))).toMatchObject({ code: "not_found" });
  const diff = await problemOf(await app.request(`${VERSIONS}/1/diff?to=7`));
  expect(diff).toMatchObject({ status: 404, code: "no_such_version" });
  const exported = await problemOf(await app.request("/api/v1/batches/a/export?version=7"));
  expect(exported).toMatchObject({ status: 404, code: "no_such_version" });
});

it("a version whose folder is gone is listed as missing, and its files are 404 with what to do", async () => {
  const app = await startApp();
  await withVersions(app, {});
  app.clock.advance({ seconds: 1 });
  await addVersion(app, await zipOf({ ...SCRIPT, b: "2" }));
  const [first] = await artifactFolders(app);
  await rm(first!, { recursive: true });
  const { items } = await app.sdk.versions.list("a");
  expect(items.map(({ version, missing }) => [version, missing])).toEqual([
    [2, false],
    [1, true],
  ]);
  const routes = ["1/artifact", "1/files", "1/files/script.sh", "1/diff", "2/diff?to=1"].map(
    (at) => `${VERSIONS}/${at}`,
  );
  for (const route of [...routes, "/api/v1/batches/a/export?version=1"]) {
    const problem = await problemOf(await app.request(route));
    expect(problem, route).toMatchObject({ status: 404, code: "version_missing" });
    expect(problem.detail).toMatch(/version 1 of "a".* Restore the uploads folder/);
  }
  expect((await app.request(`${VERSIONS}/2/files`)).status).toBe(200);
});

it("a link or a folder put in the place of a file is not followed", async () => {
  const app = await startApp();
  await withVersions(app, { x: "x" });
  const [folder] = await artifactFolders(app);
  const file = join(folder!, "files/x");
  await writeFile(join(folder!, "secret"), "HIDDEN");
  for (const replace of [() => symlink("../secret", file), () => mkdir(file)]) {
    await rm(file, { recursive: true });
    await replace();
    const problem = await problemOf(await app.request(`${VERSIONS}/1/files/x`));
    expect(problem).toMatchObject({ status: 404, code: "version_missing" });
  }
});
