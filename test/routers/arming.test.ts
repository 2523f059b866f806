// An upload whose schedule can no longer be planned when everything else is ready leaves nothing behind.
import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { ApiError } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { scriptZip } from "../support/scripts.js";
import { expectNothingKept } from "../support/uploads.js";

it("keeps no row and no file if its one instant passes while the archive is unpacked", async () => {
  const app = await startApp();
  const staging = path.join(app.config.uploadsDir, ".staging");
  const creating = app.sdk.batches.create(await scriptZip("true"), { name: "late", at: "2026-12-01T12:00:01Z" });
  const refused = creating.catch((error: unknown) => error);
  await expect
    .poll(async () => (await readdir(staging)).some((name) => name.startsWith("staged-")), {
      interval: 1,
      timeout: 10_000,
    })
    .toBe(true);
  app.clock.advance({ seconds: 2 });
  const error = await refused;
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 400, problem: { code: "never_fires" } });
  await expectNothingKept(app);
});
