// The bytes of an upload on their way in: whatever stops them, no file stays.
import { readdir, symlink } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { beginUpload } from "../support/slow-upload.js";
import { expectNothingKept, uploadBody } from "../support/uploads.js";

it("a sender who hangs up in the middle leaves nothing", async () => {
  const app = await startApp();
  const upload = await beginUpload(app, "cut", await scriptZip("echo hello"));
  upload.abort();
  await expect(upload.status).rejects.toThrow();
  await expectNothingKept(app);
});

it("a disk that is full while the bytes come in is told as 507, and nothing stays", async () => {
  const app = await startApp();
  const zip = await scriptZip("echo hello");
  const staging = path.join(app.config.uploadsDir, ".staging");
  const first = await beginUpload(app, "first", zip);
  const [name = ""] = await readdir(staging);
  // The next upload will get the next name, and what is written there never finds room.
  await symlink(
    "/dev/full",
    path.join(
      staging,
      name.replace(/\d+$/, (number) => String(Number(number) + 1)),
    ),
  );
  const body = uploadBody({ name: "second" }, { "a.zip": zip });
  const problem = await problemOf(await app.request("/api/v1/batches", { method: "POST", body }));
  expect(problem).toMatchObject({ status: 507, code: "disk_full" });
  expect(problem.detail).toMatch(/disk .* is full\. Ask those who run this service/);
  expect(await readdir(staging)).toEqual([name]);
  first.abort();
  await expectNothingKept(app);
});

it("two uploads at once do not get into each other's way", async () => {
  const app = await startApp();
  const zips = await Promise.all(["echo one", "echo two"].map((line) => scriptZip(line)));
  const names = ["one", "two"];
  await Promise.all(zips.map((zip, i) => app.sdk.batches.create(zip, { name: names[i] ?? "" })));
  for (const [i, zip] of zips.entries()) {
    const download = await app.request(`/api/v1/batches/${names[i]}/artifact`);
    expect(new Uint8Array(await download.arrayBuffer())).toEqual(zip);
  }
});
