// The client: every call of it is a route of the service, and refusals come back as errors that a program can read.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { ApiError, BatchlineClient } from "../../src/sdk/client.js";
import { ADMIN_TOKEN, startApp } from "../support/app.js";
import { Gate } from "../support/gate.js";
import { fetchDocument, operationsOf } from "../support/openapi.js";
import { scriptZip } from "../support/scripts.js";

interface Recorded {
  method: string;
  url: URL;
  authorization: string | undefined;
  type: string;
}

interface Answer {
  status?: number;
  type?: string;
  body?: string;
}

/** A server that writes down what it is asked and gives the same answer to everybody, but an end to those who watch. */
async function recorder({ status = 200, type = "application/json", body = "{}" }: Answer = {}) {
  const asked: Recorded[] = [];
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    const { authorization } = headers;
    asked.push({ method, url: new URL(url, "http://x"), authorization, type: headers["content-type"] ?? "" });
    const watches = headers.accept === "text/event-stream";
    request.resume().on("end", () => {
      if (watches) response.writeHead(204).end();
      else response.writeHead(status, { "Content-Type": type }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Every call that a client has, once, by its name. */
function everyCall(sdk: BatchlineClient): Record<string, () => Promise<unknown>> {
  const archive = new Uint8Array([80, 75]);
  const config = { name: "a" };
  return {
    "batches.create": () => sdk.batches.create(archive, config),
    "batches.attach": () => sdk.batches.attach(7, archive, config),
    "batches.import": () => sdk.batches.import(archive, { name: "b" }),
    "batches.check": () => sdk.batches.check(archive, config),
    "batches.edit": () => sdk.batches.edit(7, { cron: null }, { ifMatch: '"7-1"' }),
    "batches.list": () => sdk.batches.list({ enabled: true, search: "x", limit: 1, cursor: "c" }),
    "batches.get": () => sdk.batches.get("a b/c?d#e"),
    "batches.remove": () => sdk.batches.remove(7, { force: true }),
    "batches.run": () => sdk.batches.run(7, { args: [], payload: null, successors: true }),
    "batches.enable": () => sdk.batches.enable(7, { gap: "last" }),
    "batches.disable": () => sdk.batches.disable(7),
    "batches.why": () => sdk.batches.why(7, "2027-01-01T00:00:00Z"),
    "batches.gap": () => sdk.batches.gap(7),
    "batches.artifact": () => sdk.batches.artifact(7),
    "batches.export": () => sdk.batches.export(7, 2),
    "versions.create": () => sdk.versions.create(7, archive, { config, activate: false, ifMatch: '"7-1"' }),
    "versions.activate": () => sdk.versions.activate(7, 1, { config: true }),
    "versions.list": () => sdk.versions.list("a", { limit: 1, cursor: "c" }),
    "versions.get": () => sdk.versions.get("a b", 2),
    "versions.artifact": () => sdk.versions.artifact("a", 2),
    "versions.files": () => sdk.versions.files("a", 2),
    "versions.file": () => sdk.versions.file("a", 2, "a b?#%.txt"),
    "versions.diff": () => sdk.versions.diff("a", 2, 1),
    "versions.patch": () => sdk.versions.patch("a", 2, 1),
    "chains.create": () => sdk.chains.create({ "a.zip": new Blob([archive]) }, [config]),
    "chains.check": () => sdk.chains.check({ "a.zip": new Blob([archive]) }, [config]),
    "triggers.create": () => sdk.triggers.create({ name: "a", kind: "api" }),
    "triggers.list": () =>
      sdk.triggers.list({ kind: "api", batch: 1, enabled: true, test: "all", search: "x", limit: 1, cursor: "c" }),
    "triggers.get": () => sdk.triggers.get(7),
    "triggers.edit": () => sdk.triggers.edit(7, { name: "b" }, { ifMatch: '"7-1"' }),
    "triggers.replace": () => sdk.triggers.replace(7, { name: "a", kind: "api" }),
    "triggers.pin": () => sdk.triggers.pin(7, 1),
    "triggers.remove": () => sdk.triggers.remove(7),
    "triggers.fire": () => sdk.triggers.fire(7, { a: 1 }, { wait: "1s" }),
    "triggers.makeToken": () => sdk.triggers.makeToken(7),
    "triggers.revokeToken": () => sdk.triggers.revokeToken(7),
    "triggers.addSecret": () => sdk.triggers.addSecret(7),
    "triggers.removeSecret": () => sdk.triggers.removeSecret(7, 1),
    "links.get": () => sdk.links.get(7),
    "links.pin": () => sdk.links.pin(7, null),
    "chainRuns.get": () => sdk.chainRuns.get(7),
    "chainRuns.cancel": () => sdk.chainRuns.cancel(7),
    "plannedRuns.list": () => sdk.plannedRuns.list({ from: "f", to: "t", batch: 1, limit: 1, cursor: "c" }),
    "executions.list": () =>
      sdk.executions.list({ batch: 1, chainRun: 2, status: "a,b", from: "f", to: "t", limit: 1, cursor: "c" }),
    "executions.get": () => sdk.executions.get(7),
    "executions.cancel": () => sdk.executions.cancel(7),
    "executions.rerun": () => sdk.executions.rerun(7, { version: "latest" }),
    "executions.log": () => sdk.executions.log(7, { tail: 3, attempt: 1 }),
    "executions.errorLog": () => sdk.executions.errorLog(7, { tail: 3 }),
    "executions.follow": () => sdk.executions.follow(7).next(),
    "executions.stream": () => sdk.executions.stream(7).next(),
    "logs.search": () =>
      sdk.logs.search(7, "q", {
        ignoreCase: true,
        stream: "log",
        attempt: 1,
        context: 2,
        limit: 3,
        from: 4,
        cursor: "c",
      }),
    "logs.lines": () => sdk.logs.lines(7, { stream: "log", attempt: 1, from: -5, count: 5, total: true }),
    "logs.firstError": () => sdk.logs.firstError(7, { attempt: 1 }),
    "logs.searchBatch": () =>
      sdk.logs.searchBatch(1, "q", { ignoreCase: true, stream: "log", lines: 1, limit: 2, cursor: "c" }),
    "deliveries.list": () => sdk.deliveries.list({ status: "sent", batch: 1, execution: 2, limit: 1, cursor: "c" }),
    "deliveries.get": () => sdk.deliveries.get(7),
    "deliveries.retry": () => sdk.deliveries.retry(7),
    "events.list": () =>
      sdk.events.list({
        kind: "batch.*",
        batch: 1,
        execution: 2,
        subject: "trigger:5",
        archived: 1,
        test: "all",
        q: "x",
      }),
    "events.get": () => sdk.events.get(7),
    "events.stream": () =>
      sdk.events.stream({ kind: "batch.*", batch: 1, execution: 2, subject: "trigger:5", test: "all", from: 3 }).next(),
  };
}

it("every call of the client is an operation of the service's document, with its query and kind of body", async () => {
  const operations = operationsOf(await fetchDocument(await startApp()));
  const { asked, url } = await recorder();
  const sdk = new BatchlineClient({ url, token: "secret" });
  const calls = everyCall(sdk);
  const { batches, versions, chains, triggers, links, chainRuns, plannedRuns, executions, ...others } = sdk;
  const { logs, deliveries, events } = others;
  const first = { batches, versions, chains, triggers, links, chainRuns, plannedRuns };
  const rooms = { ...first, executions, logs, deliveries, events };
  const names = Object.entries(rooms).flatMap(([room, members]) =>
    Object.keys(members).map((name) => `${room}.${name}`),
  );
  expect(Object.keys(calls)).toEqual(names);
  const reached = new Set<string>();
  for (const [name, call] of Object.entries(calls)) {
    await call();
    const { method, url: address, authorization, type } = asked.at(-1)!;
    expect(authorization, name).toBe("Bearer secret");
    const operation = operations.find(
      (one) =>
        one.method === method.toLowerCase() &&
        new RegExp(`^${one.path.replace(/\{\w+\}/g, "[^/]+")}$`).test(address.pathname),
    );
    expect(operation, `${name} asked for ${method} ${address.pathname}`).toBeDefined();
    reached.add(`${operation!.method} ${operation!.path}`);
    const queries = operation!.parameters.filter((parameter) => parameter.in === "query").map((one) => one.name);
    expect(queries, name).toEqual(expect.arrayContaining([...address.searchParams.keys()]));
    const taken = Object.keys(operation!.requestBody?.content ?? {});
    expect(taken, name).toEqual(type === "" ? [] : [type.split(";")[0]]);
  }
  expect(asked).toHaveLength(names.length);
  // And the other way round: what programs may do, they can do with the client.
  const guarded = operations.filter((one) => one.guarded).map(({ method, path }) => `${method} ${path}`);
  expect([...reached].sort()).toEqual(guarded.sort());
});

it("filters that are not given are not sent, and those that are arrive as they were", async () => {
  const { asked, url } = await recorder();
  const sdk = new BatchlineClient({ url });
  await sdk.executions.list();
  await sdk.executions.list({ batch: "a & b=c+d", status: "failed,lost" });
  await sdk.batches.get("a b/c?d#e%");
  const [none, some, name] = asked.map((one) => one.url);
  expect(none?.search).toBe("");
  expect(Object.fromEntries(some?.searchParams ?? [])).toEqual({ batch: "a & b=c+d", status: "failed,lost" });
  expect(decodeURIComponent(name?.pathname.split("/").at(-1) ?? "")).toBe("a b/c?d#e%");
  expect(asked.map(({ authorization }) => authorization)).toEqual([undefined, undefined, undefined]);
});

it("a refusal becomes an ApiError with status, kind, the service's words and every single fault", async () => {
  const { sdk, app } = await startApp();
  const refusal = async (call: Promise<unknown>): Promise<ApiError> => {
    const error: unknown = await call.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ApiError);
    return error as ApiError;
  };
  const missing = await refusal(sdk.batches.get("ghost"));
  expect(missing).toMatchObject({ name: "ApiError", status: 404, code: "not_found" });
  expect(missing.message).toBe('There is no batch with the id or name "ghost".');
  expect(missing.problem).toMatchObject({ status: 404, instance: "/api/v1/batches/ghost", errors: [] });
  const zip = await scriptZip("echo hello");
  const invalid = await refusal(sdk.batches.create(zip, { name: "a", cron: "* * *", timeZone: "x" }));
  expect(invalid).toMatchObject({ status: 400, code: "invalid", problem: { code: "invalid_config" } });
  expect(invalid.problem.errors.map(({ pointer }) => pointer).sort()).toEqual(["/cron", "/timeZone"]);
  await sdk.batches.create(zip, { name: "a" });
  expect(await refusal(sdk.batches.create(zip, { name: "a" }))).toMatchObject({ status: 409, code: "conflict" });
  expect(await refusal(sdk.executions.follow(1).next())).toMatchObject({ status: 404, code: "not_found" });
  const stranger = new BatchlineClient({ url: app.url, token: "wrong" });
  expect(await refusal(stranger.batches.list())).toMatchObject({ status: 401, code: "unauthenticated" });
});

it("an answer that is no problem document, from a proxy perhaps, is an ApiError all the same", async () => {
  for (const [answer, status, code, message] of [
    [{ status: 502, type: "text/html", body: "<h1>Bad gateway</h1>" }, 502, "internal", "<h1>Bad gateway</h1>"],
    [{ status: 503, body: "" }, 503, "unavailable", "HTTP 503"],
    [{ status: 404, body: '{"error":"no"}' }, 404, "not_found", '{"error":"no"}'],
    [{ status: 500, type: "text/plain", body: "x".repeat(9000) }, 500, "internal", "x".repeat(500)],
  ] as const) {
    const { url } = await recorder(answer);
    const call = new BatchlineClient({ url }).batches.list();
    await expect(call).rejects.toMatchObject({ status, code, message });
  }
});

it("works behind an address that ends in a slash, or has a path of its own", async () => {
  const { app } = await startApp();
  for (const slashes of ["/", "///"]) {
    const sdk = new BatchlineClient({ url: app.url + slashes, token: ADMIN_TOKEN });
    expect(await sdk.batches.list()).toEqual({ items: [], next: null });
  }
  const { asked, url } = await recorder();
  await new BatchlineClient({ url: `${url}/tools/batchline/` }).executions.get(3);
  expect(asked[0]?.url.pathname).toBe("/tools/batchline/api/v1/executions/3");
});

it("takes archives as bytes or as blobs, gives them back as they were, and answers nothing for a deletion", async () => {
  const { sdk } = await startApp();
  const zip = await scriptZip("echo hello");
  await sdk.batches.create(zip, { name: "bytes" });
  await sdk.batches.create(new Blob([zip]), { name: "blob" });
  expect(await sdk.batches.artifact("bytes")).toEqual(zip);
  expect(await sdk.batches.artifact("blob")).toEqual(zip);
  await expect(sdk.batches.remove("blob")).resolves.toBeUndefined();
});

it("follow yields text as it comes, letters never torn apart, and stops when told", async () => {
  const [app, gate] = [await startApp(), await Gate.make()];
  const { sdk } = app;
  // The two bytes of one letter, printed apart.
  const script = await scriptZip("printf 'a\\xc3'", gate.pass(), "printf '\\xa4b'", gate.pass());
  await sdk.batches.create(script, { name: "slow" });
  const execution = await sdk.batches.run("slow");
  await gate.arrival();
  const stopping = new AbortController();
  const followed = sdk.executions.follow(execution.id, stopping.signal);
  let text = "";
  const readUntil = async (end: string) => {
    while (!text.includes(end)) {
      const piece = await followed.next();
      text += String(piece.value);
    }
  };
  await readUntil("a");
  gate.open();
  await readUntil("b");
  expect(text).toBe("aäb");
  stopping.abort();
  await expect(followed.next()).rejects.toMatchObject({ name: "AbortError" });
  gate.open();
  expect(await app.ended(execution)).toMatchObject({ status: "completed" });
});
