// Health: the process answers at once, and readiness tells by name what cannot be used.
import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";

it("a service that can work is live and ready, and names what it has looked at", async () => {
  const { app } = await startApp();
  const live = await fetch(`${app.url}/health/live`);
  expect([live.status, await live.json()]).toEqual([200, { status: "live" }]);
  const ready = await fetch(`${app.url}/health/ready`);
  const checks = { database: "ok", UPLOADS_DIR: "ok", LOGS_DIR: "ok", DATA_DIR: "ok" };
  expect([ready.status, await ready.json()]).toEqual([200, { status: "ready", checks }]);
});

it("a folder that is gone makes it unready: 503 with the setting's name and no path; it stays live", async () => {
  const { app, config } = await startApp();
  await rm(config.logsDir, { recursive: true });
  const ready = await fetch(`${app.url}/health/ready`);
  expect(ready.status).toBe(503);
  const text = await ready.text();
  expect(JSON.parse(text)).toMatchObject({ status: "unavailable", checks: { database: "ok", LOGS_DIR: "failed" } });
  expect(text).not.toContain(config.logsDir);
  expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
});
