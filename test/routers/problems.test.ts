// What every answer keeps to, above all the refusals: problem documents, plain words, and nothing of the inside.
import { rm, symlink } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { ADMIN_TOKEN, startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { storedArtifacts, uploadBody } from "../support/uploads.js";

const zip = await scriptZip("echo hello");

/** A request that `fetch` would not send; gives status, media type and body. */
function bare({ app }: TestApp, method: string, path: string, headers = {}): Promise<[number, string, string]> {
  return new Promise((resolve, reject) => {
    const url = new URL(app.url);
    const options = { host: url.hostname, port: url.port, method, path, headers };
    const sent = httpRequest(options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve([response.statusCode ?? 0, response.headers["content-type"] ?? "", body]));
    });
    sent.on("error", reject).end();
  });
}

it("what no route serves is 404 as a problem document, whatever the method", async () => {
  const app = await startApp();
  for (const [method, path] of [
    ["GET", "/nothing"],
    ["GET", "/api/v1"],
    ["GET", "/api/v1/batch"],
    ["GET", "/api/v2/batches"],
    ["PUT", "/api/v1/batches"],
    ["PATCH", "/api/v1/executions/1"],
    ["DELETE", "/api/v1/batches"],
    ["POST", "/health/live"],
    ["OPTIONS", "/api/v1/batches"],
  ] as const) {
    const problem = await problemOf(await app.request(path, { method }));
    expect(problem, `${method} ${path}`).toMatchObject({ status: 404, title: "Not Found", code: "no_such_route" });
    expect(problem.detail).toContain(`${method} ${path}`);
  }
  const [status, type, body] = await bare(app, "TRACE", "/api/v1/batches", { Cookie: "secret" });
  expect([status, type.split(";")[0]]).toEqual([404, "application/problem+json"]);
  expect(body).not.toContain("secret");
});

it("an address that cannot be decoded is 400 and not a fault of the service", async () => {
  const app = await startApp();
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
  for (const path of ["/api/v1/batches/%", "/api/v1/batches/%c0%ae", "/api/v1/executions/%E0%A4%A/log"]) {
    const [status, type, body] = await bare(app, "GET", path, headers);
    expect([path, status, type.split(";")[0]]).toEqual([path, 400, "application/problem+json"]);
    expect(body).not.toMatch(/URIError|malformed|decode_param/);
  }
});

it("a JSON body that is broken, too large, of another kind or in another alphabet is refused as that", async () => {
  const app = await startApp();
  await app.sdk.batches.create(zip, { name: "a" });
  const send = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    app.request("/api/v1/batches/a/run", {
      method: "POST",
      body,
      headers: { "Content-Type": "application/json", ...headers },
    });
  for (const body of ["{", '{"args":}', "{'args':[]}", "undefined", '{"args":["\t"]}']) {
    expect(await problemOf(await send(body)), body).toMatchObject({ status: 400, code: "invalid_json" });
  }
  const large = JSON.stringify({ payload: "x".repeat(1024 * 1024) });
  expect(await problemOf(await send(large))).toMatchObject({ status: 413, code: "too_large" });
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"]) {
    expect(await problemOf(await send("{}", { "Content-Type": type })), type).toMatchObject({ status: 415 });
  }
  for (const headers of [{ "Content-Type": "application/json; charset=latin1" }, { "Content-Encoding": "lzma" }]) {
    expect(await problemOf(await send("{}", headers))).toMatchObject({ status: 415, code: "unsupported" });
  }
  expect((await problemOf(await send("no gzip", { "Content-Encoding": "gzip" }))).status).toBe(400);
  const bomb = new Uint8Array(gzipSync(JSON.stringify({ payload: "x".repeat(2 * 1024 * 1024) })));
  expect((await problemOf(await send(bomb, { "Content-Encoding": "gzip" }))).status).toBe(413);
  expect((await app.sdk.executions.list()).items).toEqual([]);
  const packed = new Uint8Array(gzipSync('{"payload":1}'));
  expect((await send(packed, { "Content-Encoding": "gzip" })).status).toBe(202);
});

it("the query is no part of a problem's instance, and what was asked comes back as text and not as a page", async () => {
  const app = await startApp();
  const response = await app.request("/api/v1/batches/%3Cscript%3E?secret=x");
  const problem = await problemOf(response);
  expect(problem.instance).toBe("/api/v1/batches/%3Cscript%3E");
  expect(JSON.stringify(problem)).not.toContain("secret");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
});

it("a fault of the service itself is 500 and tells no path, no stack and no other program's words", async () => {
  const app = await startApp();
  await rm(`${app.config.uploadsDir}/.staging`, { recursive: true });
  const body = uploadBody({ name: "a" }, { "a.zip": zip });
  const problem = await problemOf(await app.request("/api/v1/batches", { method: "POST", body }));
  expect(problem).toMatchObject({ status: 500, code: "internal", errors: [] });
  expect(problem.detail).toBe("Something went wrong inside the service; its log tells more.");
});

it("what has been put in a log's place is not shown", async () => {
  const app = await startApp();
  await app.sdk.batches.create(zip, { name: "a" });
  const { id } = await app.ended(await app.sdk.batches.run("a"));
  const log = `${app.config.logsDir}/0/${id}-1.log`;
  await rm(log);
  await symlink("/etc/passwd", log);
  for (const query of ["", "?tail=1", "?follow=1"]) {
    const response = await app.request(`/api/v1/executions/${id}/log${query}`);
    expect(await problemOf(response), query).toMatchObject({ status: 500, code: "log_not_a_file" });
  }
});

it("a download whose file is gone is refused in words, and never passed off as whole", async () => {
  const app = await startApp();
  const { id } = await app.sdk.batches.create(zip, { name: "a" });
  const [key = ""] = await storedArtifacts(app);
  await rm(`${app.config.uploadsDir}/${key}/artifact.zip`);
  const download = await problemOf(await app.request(`/api/v1/batches/${id}/artifact`));
  expect(download).toMatchObject({ status: 404, code: "version_missing" });
  expect((await app.request("/health/live")).status).toBe(200);
});

it("every kind of answer carries the headers that keep a browser from being misled", async () => {
  const app = await startApp();
  await app.sdk.batches.create(zip, { name: "a" });
  const { id } = await app.ended(await app.sdk.batches.run("a"));
  const addresses = ["/api/v1/batches", "/nothing", `/api/v1/executions/${id}/log`, "/api/docs", "/health/live", "/"];
  for (const address of addresses) {
    const { headers } = await app.request(address, { redirect: "manual", headers: { Origin: "http://evil.example" } });
    expect(headers.get("x-content-type-options"), address).toBe("nosniff");
    expect(headers.get("x-frame-options"), address).toBe("SAMEORIGIN");
    expect(headers.get("referrer-policy"), address).toBe("no-referrer");
    const policy = headers.get("content-security-policy") ?? "";
    for (const rule of ["default-src 'self'", "script-src 'self'", "object-src 'none'", "base-uri 'self'"]) {
      expect(policy.split(";"), address).toContain(rule);
    }
    for (const name of ["x-powered-by", "server", "access-control-allow-origin"]) {
      expect(headers.get(name), `${address} ${name}`).toBeNull();
    }
  }
});
