// Uploads to a disk that is full: told as that at each place where it can happen, nothing left behind, mended by room.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { keptReader } from "../support/everything-kept.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { bytesOf, uploadBody, type Bytes } from "../support/uploads.js";
import { craftZip } from "../support/zips.js";

const KIB = 1024;
const zip = await scriptZip("echo hello");

/** Only root may mount a small disk to fill. CI is root and runs them all; elsewhere they are shown as left out. */
const asRoot = it.runIf(process.getuid?.() === 0);

/** A disk of so many KiB, gone when the test has finished. */
async function smallDisk(kib: number): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-small-disk-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kib}k`, "batchline-test", folder], { stdio: "pipe" });
  } catch (cause) {
    throw new Error("This test mounts a small tmpfs to fill it, which only root may do: run the suite as root.", {
      cause,
    });
  }
  // Lazily, so that it goes even if something has a file open there.
  onTestFinished(() => void execFileSync("umount", ["--lazy", folder]));
  return folder;
}

/** A good archive of so many bytes that hardly shrink. */
function incompressible(kib: number): Bytes {
  return bytesOf(
    craftZip([
      { name: "script.sh", content: "echo\n" },
      { name: "data", content: randomBytes(kib * KIB) },
    ]),
  );
}

/** Uploads an archive for which there is no room, twice; then one for which there is. */
async function expectDiskFull(
  app: TestApp,
  archive: Bytes,
  { fill = () => Promise.resolve(), makeRoom = () => Promise.resolve() } = {},
): Promise<void> {
  await app.sdk.batches.create(zip, { name: "before" });
  const kept = await keptReader(app);
  const before = await kept();
  const send = () =>
    app.request("/api/v1/batches", { method: "POST", body: uploadBody({ name: "new" }, { "a.zip": archive }) });
  await fill();
  for (let i = 0; i < 2; i++) {
    const response = await send();
    expect(response.headers.get("retry-after")).toBe("5");
    const problem = await problemOf(response);
    expect(problem, problem.detail).toMatchObject({ status: 507, title: "Insufficient Storage", code: "disk_full" });
    expect(problem.detail).toMatch(/disk that keeps .* is full\. Ask those who run this service to make room/);
    expect(await kept()).toEqual(before);
  }
  expect((await app.request("/health/live")).status).toBe(200);
  await makeRoom();
  expect((await app.sdk.batches.create(zip, { name: "new" })).name).toBe("new");
}

asRoot("a disk that is full while an upload is received", async () => {
  const uploads = await smallDisk(512);
  await expectDiskFull(await startApp({ UPLOADS_DIR: uploads }), incompressible(2000));
});

asRoot("a disk that is full while a small upload is unpacked", async () => {
  const uploads = await smallDisk(512);
  const archive = bytesOf(
    craftZip([
      { name: "script.sh", content: "echo\n" },
      { name: "data", content: "x".repeat(900 * KIB) },
    ]),
  );
  await expectDiskFull(await startApp({ UPLOADS_DIR: uploads }), archive);
});

asRoot("a disk that is full while a large upload is unpacked", async () => {
  const uploads = await smallDisk(512);
  await expectDiskFull(await startApp({ UPLOADS_DIR: uploads }), incompressible(300));
});

asRoot("a disk without inodes while an upload is unpacked", async () => {
  const uploads = await smallDisk(4096);
  execFileSync("mount", ["-o", "remount,nr_inodes=60", uploads]);
  const files = Array.from({ length: 100 }, (_, i) => ({ name: `${i}`, method: 0 }));
  const archive = bytesOf(craftZip([{ name: "script.sh", content: "echo\n" }, ...files]));
  await expectDiskFull(await startApp({ UPLOADS_DIR: uploads }), archive);
});

asRoot("a disk that is full when the rows are written", async () => {
  const disk = await smallDisk(8192);
  const filler = path.join(disk, "filler");
  const app = await startApp({ DATABASE_URL: `sqlite:${disk}/batchline.sqlite` });
  await expectDiskFull(app, zip, {
    // As much as there is room for, which ends in an error.
    fill: () => writeFile(filler, Buffer.alloc(8192 * KIB)).catch(() => undefined),
    makeRoom: () => rm(filler),
  });
});
