// Repeatable answers: a key makes a request one that is carried out once, whoever repeats it and however often.
import { expect, it } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { startServiceProcess } from "../support/service-process.js";
import { storedArtifacts, uploadBody, type Bytes } from "../support/uploads.js";

function post(app: TestApp, route: string, key: string, body: FormData | object = {}): Promise<Response> {
  const headers = { "Idempotency-Key": key };
  if (body instanceof FormData) return app.request(`/api/v1${route}`, { method: "POST", headers, body });
  const json = { ...headers, "Content-Type": "application/json" };
  return app.request(`/api/v1${route}`, { method: "POST", headers: json, body: JSON.stringify(body) });
}

const batch = (name: string, zip: Bytes) => uploadBody({ name }, { "a.zip": zip });

it("the same request gets the same answer, byte for byte, and nothing is made twice", async () => {
  const app = await startApp();
  const zip = await scriptZip("true");
  const first = await post(app, "/batches", "k1", batch("a", zip));
  const text = await first.text();
  expect([first.status, first.headers.get("idempotent-replayed")]).toEqual([201, null]);
  await app.sdk.batches.edit("a", { description: "changed since" });
  const again = await post(app, "/batches", "k1", batch("a", zip));
  expect(again.status).toBe(201);
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  expect(again.headers.get("location")).toBe(first.headers.get("location"));
  expect(await again.text()).toBe(text);
  expect((await app.sdk.batches.list()).items).toHaveLength(1);
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("every request that makes something takes a key", async () => {
  const app = await startApp();
  const zip = await scriptZip("true");
  await app.sdk.batches.create(zip, { name: "head" });
  const chain = () => uploadBody([{ name: "x", script: "x" }], { "x.zip": zip }, "batches");
  const requests: Record<string, () => FormData | object> = {
    "/batches": () => batch("b", zip),
    "/chains": chain,
    "/batches/head/successors": () => batch("c", zip),
    "/batches/head/run": () => ({ args: ["1"] }),
  };
  for (const [route, body] of Object.entries(requests)) {
    const first = await post(app, route, `key-${route}`, body());
    const second = await post(app, route, `key-${route}`, body());
    expect(first.status, route).toBe(second.status);
    expect(await second.text(), route).toBe(await first.text());
    expect(second.headers.get("idempotent-replayed"), route).toBe("true");
  }
  const execution = (await app.sdk.executions.list()).items[0]!;
  await app.ended(execution);
  const reruns = [
    await post(app, `/executions/${execution.id}/rerun`, "r"),
    await post(app, `/executions/${execution.id}/rerun`, "r"),
  ];
  const [one, two] = await Promise.all(reruns.map((answer) => answer.text()));
  expect(two).toBe(one);
  const more = await scriptZip("echo 2");
  const versions = [1, 2].map(() => uploadBody({ name: "head" }, { "v.zip": more }));
  const made = [
    await post(app, "/batches/head/versions", "v", versions[0]),
    await post(app, "/batches/head/versions", "v", versions[1]),
  ];
  expect(made.map(({ status }) => status)).toEqual([201, 201]);
  expect((await app.sdk.batches.list()).items).toHaveLength(4);
  expect((await app.sdk.executions.list()).items).toHaveLength(2);
});

it("the same key with another request is a conflict, be it the body, the archive, a name or the address", async () => {
  const app = await startApp();
  const [zip, other] = [await scriptZip("true"), await scriptZip("false")];
  await app.sdk.batches.create(zip, { name: "z" });
  await post(app, "/batches", "k", batch("a", zip));
  const others: [string, FormData | object][] = [
    ["/batches", batch("b", zip)],
    ["/batches", batch("a", other)],
    ["/batches", uploadBody({ name: "a" }, { "b.zip": zip })],
    ["/batches/z/run", {}],
  ];
  for (const [route, body] of others) {
    const problem = await problemOf(await post(app, route, "k", body));
    expect(problem, route).toMatchObject({ status: 409, code: "idempotency_key_reused" });
  }
  expect((await app.sdk.batches.list()).items).toHaveLength(2);
});

it("of the same request many times at once one is carried out, and all get its answer", async () => {
  const app = await startApp();
  const beside = await app.another();
  const zip = await scriptZip("true");
  const uploads = Array.from({ length: 6 }, (_, i) => post(i % 2 ? app : beside, "/batches", "k", batch("a", zip)));
  const texts = await Promise.all((await Promise.all(uploads)).map((answer) => answer.text()));
  expect(new Set(texts).size).toBe(1);
  expect(JSON.parse(texts[0]!)).toMatchObject({ name: "a" });
  const runs = Array.from({ length: 6 }, (_, i) => post(i % 2 ? app : beside, "/batches/a/run", "r", {}));
  const ids = (await Promise.all((await Promise.all(runs)).map((answer) => answer.json()))) as { id: number }[];
  expect(new Set(ids.map(({ id }) => id)).size).toBe(1);
  expect((await app.sdk.executions.list()).items).toHaveLength(1);
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("a request that failed may be made again, and a dry run leaves no answer", async () => {
  const app = await startApp();
  const zip = await scriptZip("true");
  const wrong = await post(app, "/batches", "k", uploadBody({ name: "a", cron: "x" }, { "a.zip": zip }));
  expect(wrong.status).toBe(400);
  expect((await post(app, "/batches?dryRun=1", "k", batch("a", zip))).status).toBe(200);
  expect((await post(app, "/batches", "k", batch("a", zip))).status).toBe(201);
});

it("a key is forgotten after 24 hours", async () => {
  const app = await startApp();
  await app.sdk.batches.create(await scriptZip("true"), { name: "a" });
  const first = (await (await post(app, "/batches/a/run", "k")).json()) as { id: number };
  app.clock.advance({ hours: 23 });
  expect(await (await post(app, "/batches/a/run", "k")).json()).toMatchObject({ id: first.id });
  await app.ended(first);
  app.clock.advance({ hours: 1 });
  const later = await post(app, "/batches/a/run", "k", { args: ["another request"] });
  expect(later.status).toBe(202);
  expect(await later.json()).not.toMatchObject({ id: first.id });
});

it("a key that is none is refused in words", async () => {
  const app = await startApp();
  for (const key of ["", " ", "a b", "ä", "x".repeat(256)]) {
    const sent = post(app, "/batches/a/run", key);
    // What no header can carry is refused by the client itself.
    const response = await sent.catch(() => null);
    if (response) expect(await problemOf(response)).toMatchObject({ status: 400, code: "invalid_idempotency_key" });
  }
});

it("an answer outlives the service: killed right after, another one gives it again", async () => {
  const app = await startApp();
  await app.stop();
  const zip = await scriptZip("true");
  const before = await startServiceProcess(app.config);
  const made = await before.sdk.batches.create(zip, { name: "a" }, { idempotencyKey: "k" });
  const run = await before.sdk.batches.run("a", {}, { idempotencyKey: "r" });
  await before.kill("SIGKILL");
  const after = await startServiceProcess(app.config);
  expect(await after.sdk.batches.create(zip, { name: "a" }, { idempotencyKey: "k" })).toEqual(made);
  expect(await after.sdk.batches.run("a", {}, { idempotencyKey: "r" })).toEqual(run);
});
