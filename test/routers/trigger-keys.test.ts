// Firing from outside, without a token of the API: by the trigger's own token, or by a signature.
import { createHmac } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";

async function withTrigger(settings = {}): Promise<TestApp> {
  const app = await startApp(settings);
  await app.sdk.triggers.create({ name: "hook", kind: "api" });
  return app;
}

interface Shot {
  headers?: Record<string, string> | [string, string][];
  body?: string;
  id?: number;
}

/** A firing without the administrator's token. */
function fire({ app }: TestApp, { headers = {}, body = "{}", id = 1 }: Shot): Promise<Response> {
  const all = new Headers(headers);
  all.set("Content-Type", "application/json");
  return fetch(`${app.url}/api/v1/triggers/${id}/fire`, { method: "POST", headers: all, body });
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

function signed(secret: string, body: string, seconds: number): Record<string, string> {
  const hash = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return { "Batchline-Signature": `t=${seconds},v1=${hash}` };
}

const secondsOf = ({ clock }: TestApp) => Math.floor(clock.now() / 1000);

async function firings({ sdk, events }: TestApp): Promise<number> {
  // Whatever was refused has left no event: asked after one that certainly was written.
  await sdk.triggers.edit(1, { description: String(events.seen.length) });
  return events.count("trigger.fired");
}

describe("its own token", () => {
  it("fires this trigger and opens nothing else", async () => {
    const app = await withTrigger();
    await app.sdk.triggers.create({ name: "other", kind: "api" });
    const { token, prefix } = await app.sdk.triggers.makeToken(1);
    expect(token.startsWith(prefix)).toBe(true);
    expect(prefix.length).toBeLessThan(12);
    expect((await fire(app, { headers: bearer(token) })).status).toBe(202);
    expect(await app.events.next("trigger.fired")).toMatchObject({ actor: { kind: "token", name: "trigger 1" } });
    expect((await fire(app, { headers: bearer(token), id: 2 })).status).toBe(401);
    const read = await fetch(`${app.app.url}/api/v1/triggers/1`, { headers: bearer(token) });
    expect((await problemOf(read)).status).toBe(401);
    expect(await app.sdk.triggers.get(1)).toMatchObject({ token: { prefix } });
  });

  it("a new one takes the place of the old at once; a revoked one is worth nothing", async () => {
    const app = await withTrigger();
    const { token: old, prefix } = await app.sdk.triggers.makeToken(1);
    const { token } = await app.sdk.triggers.makeToken(1);
    expect((await fire(app, { headers: bearer(old) })).status).toBe(401);
    expect((await fire(app, { headers: bearer(token) })).status).toBe(202);
    await app.sdk.triggers.revokeToken(1);
    expect((await fire(app, { headers: bearer(token) })).status).toBe(401);
    expect((await app.sdk.triggers.get(1)).token).toBeNull();
    await expect(app.sdk.triggers.revokeToken(1)).rejects.toMatchObject({ status: 404 });
    const told = app.events.seen
      .filter(({ kind }) => kind.startsWith("token."))
      .map(({ kind, payload }) => [kind, payload]);
    expect(told).toMatchObject([
      ["token.made", { made: prefix }],
      ["token.made", { revoked: prefix }],
      ["token.revoked", {}],
    ]);
  });

  it("is kept as a hash alone, and stands in no event, answer or kept answer", async () => {
    const app = await withTrigger();
    const headers = { "Idempotency-Key": "k" };
    const made = await app.request("/api/v1/triggers/1/token", { method: "POST", headers });
    const { token } = (await made.json()) as { token: string };
    const { secret } = await app.sdk.triggers.addSecret(1);
    await app.stop();
    const files = ["batchline.sqlite", "batchline.sqlite-wal"].map((name) => path.join(app.config.dataDir, "..", name));
    const texts = await Promise.all(files.map((file) => readFile(file, "latin1").catch(() => "")));
    for (const canary of [token, token.slice(-40), secret]) expect(texts.join("")).not.toContain(canary);
    expect(JSON.stringify(app.events.seen)).not.toMatch(new RegExp(`${token}|${secret}`));
  });

  it.each([
    "bt_1_",
    "bt_1_short",
    `bt_1_${"a".repeat(43)}`,
    `bt_2_${"a".repeat(43)}`,
    "bt_1e0_x",
    "nonsense",
    "a".repeat(600),
  ])("%s does not get in", async (token) => {
    const app = await withTrigger();
    await app.sdk.triggers.makeToken(1);
    expect((await problemOf(await fire(app, { headers: bearer(token) }))).status).toBe(401);
    expect(await firings(app)).toBe(0);
  });
});

describe("a signature", () => {
  it("fires, whatever the body is made of", async () => {
    const app = await withTrigger();
    const { id, secret } = await app.sdk.triggers.addSecret(1);
    const body = '{ "payload" :\n {"ä": "\\u0000 ☃"} }';
    expect((await fire(app, { body, headers: signed(secret, body, secondsOf(app)) })).status).toBe(202);
    expect(await app.events.next("trigger.fired")).toMatchObject({
      ...{ actor: { kind: "token", name: `trigger 1, secret ${id}` }, payload: { payload: { ä: "\0 ☃" } } },
    });
  });

  it("two secrets live side by side while the one is changed for the other; a third is refused", async () => {
    const app = await withTrigger();
    const first = await app.sdk.triggers.addSecret(1);
    const second = await app.sdk.triggers.addSecret(1);
    const third = app.sdk.triggers.addSecret(1);
    await expect(third).rejects.toMatchObject({ status: 409, problem: { code: "too_many_secrets" } });
    const shot = ({ secret }: { secret: string }, body: string) =>
      fire(app, { body, headers: signed(secret, body, secondsOf(app)) });
    expect((await shot(first, '{"payload":1}')).status).toBe(202);
    expect((await shot(second, '{"payload":2}')).status).toBe(202);
    await app.sdk.triggers.removeSecret(1, first.id);
    expect((await shot(first, '{"payload":3}')).status).toBe(401);
    expect((await shot(second, '{"payload":4}')).status).toBe(202);
    expect((await app.sdk.triggers.get(1)).secrets.map(({ id }) => id)).toEqual([second.id]);
    expect((await app.sdk.triggers.addSecret(1)).id).toBeGreaterThan(second.id);
  });

  it("is good for five minutes either way, and once", async () => {
    const app = await withTrigger();
    const { secret } = await app.sdk.triggers.addSecret(1);
    const at = (offset: number) => signed(secret, "{}", secondsOf(app) + offset);
    for (const offset of [-301, 301]) {
      const problem = await problemOf(await fire(app, { headers: at(offset) }));
      expect([problem.status, problem.code]).toEqual([401, "signature_expired"]);
    }
    for (const offset of [-299, 299]) expect((await fire(app, { headers: at(offset) })).status).toBe(202);
    const replayed = await problemOf(await fire(app, { headers: at(299) }));
    expect([replayed.status, replayed.code]).toEqual([409, "replayed"]);
    expect(await firings(app)).toBe(2);
  });

  it("many replays at the same moment fire once", async () => {
    const app = await withTrigger();
    const { secret } = await app.sdk.triggers.addSecret(1);
    const headers = signed(secret, "{}", secondsOf(app));
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await fire(app, { headers })).status));
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(19);
    expect(await firings(app)).toBe(1);
  });

  it("a sender that did not hear the answer asks again with a key, or a delivery id, and gets it", async () => {
    const app = await withTrigger();
    const { secret } = await app.sdk.triggers.addSecret(1);
    const shot = (offset: number) =>
      fire(app, { headers: { ...signed(secret, "{}", secondsOf(app) + offset), "Batchline-Delivery": "d-1" } });
    const [first, second] = [await shot(0), await shot(1)];
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(await second.json()).toEqual(await first.json());
    expect(await firings(app)).toBe(1);
  });

  it("is refused when anything of it is wrong, and nobody learns whether the trigger exists", async () => {
    const app = await withTrigger();
    const { secret } = await app.sdk.triggers.addSecret(1);
    const now = secondsOf(app);
    const good = signed(secret, "{}", now)["Batchline-Signature"] ?? "";
    const name = "Batchline-Signature";
    const shots: Shot[] = [
      { headers: { [name]: good }, body: '{"payload":1}' },
      { headers: { [name]: good }, id: 99 },
      { headers: { [name]: good.replace(`t=${now}`, `t=${now + 1}`) } },
      { headers: { [name]: good.slice(0, -1) } },
      { headers: { [name]: `${good.slice(0, -1)}${good.endsWith("0") ? "1" : "0"}` } },
      { headers: { [name]: good.toUpperCase() } },
      { headers: { [name]: `${good},v1=` } },
      { headers: { [name]: `t=1,${good}` } },
      { headers: { [name]: `${good}, ${good}` } },
      { headers: { [name]: good.split(",")[0] ?? "" } },
      { headers: { [name]: "" } },
      { headers: { [name]: `t=${now},${Array(9).fill(good.split(",")[1]).join(",")}` } },
      { headers: { [name]: `t=1e9,${good.split(",")[1] ?? ""}` } },
      { headers: signed("bs_wrong", "{}", now) },
      { headers: {} },
    ];
    for (const shot of shots) expect((await problemOf(await fire(app, shot))).status, JSON.stringify(shot)).toBe(401);
    expect(await firings(app)).toBe(0);
  });

  it("may carry several hashes, of which one must fit", async () => {
    const app = await withTrigger();
    const { secret } = await app.sdk.triggers.addSecret(1);
    const good = signed(secret, "{}", secondsOf(app))["Batchline-Signature"] ?? "";
    const headers = { "Batchline-Signature": good.replace(",", `,v1=${"0".repeat(64)},`) };
    expect((await fire(app, { headers })).status).toBe(202);
    const again = await fire(app, { headers: { "Batchline-Signature": good } });
    expect((await problemOf(again)).code).toBe("replayed");
  });
});

describe("the key that seals secrets", () => {
  it("lies in the data folder, readable by the service alone, and stays over a restart", async () => {
    const app = await withTrigger();
    const { secret } = await app.sdk.triggers.addSecret(1);
    const { mode, size } = await stat(path.join(app.config.dataDir, "secret.key"));
    expect([mode & 0o777, size]).toEqual([0o600, 44]);
    const again = await app.restart();
    expect((await fire(again, { headers: signed(secret, "{}", secondsOf(again)) })).status).toBe(202);
  });

  it("given another one, the service says what is wrong and how to mend it", async () => {
    const app = await withTrigger();
    const { secret } = await app.sdk.triggers.addSecret(1);
    const again = await app.restart({ secretKey: Buffer.alloc(32, 7).toString("base64") });
    const problem = await problemOf(await fire(again, { headers: signed(secret, "{}", secondsOf(again)) }));
    expect([problem.status, problem.code]).toEqual([503, "secret_unreadable"]);
    expect(problem.detail).toMatch(/SECRET_KEY.*make the secret anew/);
  });
});

it("only triggers of kind api have keys", async () => {
  const { sdk } = await startApp();
  await sdk.triggers.create({ name: "hourly", kind: "cron", cron: "0 * * * *" });
  const other = { status: 409, problem: { code: "other_kind" } };
  await expect(sdk.triggers.makeToken(1)).rejects.toMatchObject(other);
  await expect(sdk.triggers.addSecret(1)).rejects.toMatchObject(other);
});
