// Who may ask: on every route the document lists nobody without a token, and no token but the right one.
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { BatchlineClient } from "../../src/sdk/client.js";
import { ADMIN_TOKEN, startApp } from "../support/app.js";
import { fetchDocument, operationsOf } from "../support/openapi.js";
import { problemOf } from "../support/problems.js";

const WRONG: Record<string, string> = {
  "another token": "Bearer wrong-token-wrong-token-wrong-token-wrong-token",
  "the right one less its end": `Bearer ${ADMIN_TOKEN.slice(0, -1)}`,
  "the right one and more": `Bearer ${ADMIN_TOKEN}x`,
  "a made-up token of ours": "Bearer bl_1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "a huge token": `Bearer ${"x".repeat(10_000)}`,
  "no token": "Bearer ",
  "the token without its scheme": ADMIN_TOKEN,
  "another scheme": `Basic ${Buffer.from(`admin:${ADMIN_TOKEN}`).toString("base64")}`,
};

it("every route but health answers 401 to whoever has no token or a wrong one, before anything else is looked at", async () => {
  const app = await startApp();
  const guarded = operationsOf(await fetchDocument(app)).filter((operation) => operation.guarded);
  expect(guarded.length).toBeGreaterThanOrEqual(15);
  for (const { method, path: template } of guarded) {
    // An id that would be refused, a query and a body that would be: none of that is told to strangers.
    const url = `${app.app.url}${template.replace(/\{\w+\}/g, "0x1")}?nonsense=1`;
    const body = method === "get" ? {} : { body: "{", headers: { "Content-Type": "text/plain" } };
    for (const authorization of [undefined, WRONG["another token"]]) {
      const headers = { ...body.headers, ...(authorization === undefined ? {} : { Authorization: authorization }) };
      const response = await fetch(url, { method: method.toUpperCase(), ...body, headers });
      expect(response.status, `${method} ${template}`).toBe(401);
      expect(response.headers.get("www-authenticate"), template).toBe('Bearer realm="batchline"');
      expect(await problemOf(response), template).toMatchObject({ code: "unauthenticated" });
    }
  }
});

it("the only open routes are health, the API's pages and its document", async () => {
  const app = await startApp();
  const open = operationsOf(await fetchDocument(app)).filter((operation) => !operation.guarded);
  expect(open.map(({ method, path: template }) => `${method} ${template}`)).toEqual([
    "get /health/live",
    "get /health/ready",
  ]);
  for (const address of ["/health/live", "/health/ready", "/api/docs", "/api/v1/openapi.json"]) {
    expect((await fetch(app.app.url + address)).status, address).toBe(200);
    const stranger = await fetch(app.app.url + address, { headers: { Authorization: "Bearer wrong" } });
    expect(stranger.status, address).toBe(200);
  }
});

it("nothing but the whole token in the header opens: no near miss, no other scheme, no query, no cookie", async () => {
  const { app } = await startApp();
  const url = `${app.url}/api/v1/batches`;
  for (const [what, authorization] of Object.entries(WRONG)) {
    expect((await fetch(url, { headers: { Authorization: authorization } })).status, what).toBe(401);
  }
  for (const query of [`token=${ADMIN_TOKEN}`, `access_token=${ADMIN_TOKEN}`]) {
    expect((await fetch(`${url}?${query}`)).status, query).toBe(401);
  }
  expect((await fetch(url, { headers: { Cookie: `token=${ADMIN_TOKEN}` } })).status).toBe(401);
  expect((await fetch(url, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } })).status).toBe(200);
  expect((await fetch(url, { headers: { Authorization: `bearer ${ADMIN_TOKEN}` } })).status).toBe(200);
});

it("without a configured token the first start makes one, tells it once and keeps no copy of it", async () => {
  const first = await startApp({ ADMIN_TOKEN: "" });
  const token = first.app.newToken ?? "";
  expect(token).toMatch(/^bl_\d+_[\w-]{43}$/);
  const { app, config } = await first.restart();
  expect(app.newToken).toBeNull();
  const own = new BatchlineClient({ url: app.url, token });
  expect(await own.batches.list()).toEqual({ items: [], next: null });
  const last = token.endsWith("A") ? "B" : "A";
  for (const wrong of [
    token.slice(0, -1) + last,
    token.replace("_1_", "_2_"),
    token.replace("_1_", "_01_"),
    ADMIN_TOKEN,
  ]) {
    const call = new BatchlineClient({ url: app.url, token: wrong }).batches.list();
    await expect(call, wrong).rejects.toMatchObject({ code: "unauthenticated" });
  }
  const folder = path.dirname(config.dataDir);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) expect(await readFile(path.join(entry.parentPath, entry.name), "latin1")).not.toContain(token);
  }
});
