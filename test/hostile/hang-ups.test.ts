// Senders who hang up, names that are paths, and what only looks hostile: nothing left behind, nothing where it does not belong.
import { readdir, stat } from "node:fs/promises";
import { request } from "node:http";
import { expect, it } from "vitest";
import { ADMIN_TOKEN, startApp, type TestApp } from "../support/app.js";
import { keptReader } from "../support/everything-kept.js";
import { PATIENCE } from "../support/patience.js";
import { bytesOf, storedArtifacts } from "../support/uploads.js";
import { craftZip, type CraftedEntry } from "../support/zips.js";
import { GOOD_ZIP, HANG_UPS, SCRIPT, uploadOf, WHOLE_UPLOAD } from "./index.js";

/** Sends so many bytes of an upload and hangs up when the service has begun to write the archive, if it will. */
async function hangUp(app: TestApp, after: number, received: boolean): Promise<void> {
  const { path, headers, body } = WHOLE_UPLOAD;
  const sent = request(app.app.url + path, {
    method: "POST",
    agent: false,
    headers: { ...headers, Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Length": body.length },
  });
  // Not `once`, which would take the broken connection for its own failure.
  const closed = new Promise((resolve) => sent.on("close", resolve));
  sent.on("error", () => undefined);
  sent.flushHeaders();
  await new Promise((resolve) => sent.write(body.subarray(0, after), resolve));
  const staged = () => readdir(`${app.config.uploadsDir}/.staging`);
  if (received) await expect.poll(staged, PATIENCE).toHaveLength(1);
  sent.destroy();
  await closed;
}

it("an upload whose sender hangs up leaves nothing, wherever that happens", async () => {
  const app = await startApp();
  const kept = await keptReader(app);
  const before = await kept();
  for (const { title, after, received } of HANG_UPS) {
    await hangUp(app, after, received);
    expect(await kept(), title).toEqual(before);
  }
  await app.sdk.batches.create(bytesOf(GOOD_ZIP), { name: "new" });
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("a file name that is a path is shown as a name at most, and never written to", async () => {
  const app = await startApp();
  const kept = await keptReader(app);
  const paths = ["../../../etc/evil.zip", "/etc/evil.zip", "..\\..\\evil.zip", "C:\\evil.zip", " ", "__proto__"];
  for (const [i, fileName] of [...paths, `${"n".repeat(5000)}.zip`].entries()) {
    const config = { name: "config", content: `{"name":"new ${i}"}` };
    const { path, headers, body } = uploadOf([config, { name: "batch", content: GOOD_ZIP, fileName }]);
    const response = await app.request(path, { method: "POST", headers, body: bytesOf(body) });
    expect(response.status, fileName).toBe(201);
    const download = await app.request(`${path}/new ${i}/artifact`);
    expect(download.headers.get("content-disposition"), fileName).toMatch(
      /^attachment; filename="[^"\\/]+"; filename\*=UTF-8''[^\\/]+$/,
    );
  }
  const files = (await kept()).files.map((line) => line.split(" ")[0] ?? "");
  const known =
    /^(uploads(\/(\.staging|\.installation|\d{8}-\d{6}-[0-9a-f]{8}(\/artifact\.zip|\/files(\/script\.sh)?)?))?|logs|data(\/.*)?)$/;
  expect(files.filter((name) => !known.test(name))).toEqual([]);
});

it("what only looks hostile is taken: bombs inside, private files, programs of other users", async () => {
  const app = await startApp();
  const odd: CraftedEntry[] = [
    {
      name: "bomb.zip",
      content: craftZip([SCRIPT, { name: "zeros", content: Buffer.alloc(9 * 1024 ** 2) }]),
      method: 0,
    },
    { name: ".env", content: "PASSWORD=x" },
    { name: ".git/config", content: "[core]" },
    { name: "setuid", content: "x", mode: 0o104755 },
    { name: "setgid", content: "x", mode: 0o102755 },
    { name: "sticky", content: "x", mode: 0o101777 },
    { name: "sticky-folder/", mode: 0o041777 },
  ];
  await app.sdk.batches.create(bytesOf(craftZip([SCRIPT, ...odd])), { name: "odd" });
  const [key = ""] = await storedArtifacts(app);
  for (const { name } of odd) {
    const { mode } = await stat(`${app.config.uploadsDir}/${key}/files/${String(name)}`);
    expect(mode & 0o7027, String(name)).toBe(0);
  }
});
