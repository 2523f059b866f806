// Requests that would slip through: too deep, stale, folded, or vanishing on their way.
import { request as httpRequest } from "node:http";
import { expect, it } from "vitest";
import { ADMIN_TOKEN, startApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";

const zip = await scriptZip("echo hello");

it("a payload nested too deep is 400 and not a fault of the service", async () => {
  const app = await startApp();
  await app.sdk.batches.create(zip, { name: "a" });
  for (const depth of [2000, 45_000]) {
    const body = `{"payload":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const init = { method: "POST", body, headers: { "Content-Type": "application/json" } };
    const response = await app.request("/api/v1/batches/a/run", init);
    expect((await problemOf(response)).status).toBe(400);
  }
});

it("a batch that has run since is never answered by 304", async () => {
  const app = await startApp();
  await app.sdk.batches.create(zip, { name: "a" });
  const before = await app.request("/api/v1/batches/a");
  await app.ended(await app.sdk.batches.run("a"));
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}`, "If-None-Match": before.headers.get("etag") ?? "" };
  const status = await new Promise<number>((resolve) => {
    httpRequest(`${app.app.url}/api/v1/batches/a`, { headers, agent: false }, (r) =>
      resolve(r.resume().statusCode ?? 0),
    ).end();
  });
  expect(status).toBe(200);
});

it("?search= finds letters beyond ASCII, in either case", async () => {
  const { sdk } = await startApp();
  await sdk.batches.create(zip, { name: "Ärzte" });
  for (const search of ["Ärz", "ärz"]) expect((await sdk.batches.list({ search })).items, search).toHaveLength(1);
});

it("`__proto__` as an env name is refused like any other odd name, not dropped", async () => {
  const app = await startApp();
  const form = new FormData();
  form.set("config", '{"name":"a","env":{"__proto__":"x"}}');
  form.set("batch", new Blob([zip]), "a.zip");
  expect((await app.request("/api/v1/batches", { method: "POST", body: form })).status).toBe(400);
});
