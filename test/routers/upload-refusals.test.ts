// Uploads that are refused: status, code and place of every fault, and nothing left behind by any of them.
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import type { Problem } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { scriptZip } from "../support/scripts.js";
import { bytesOf, expectNothingKept, storedArtifacts, uploadBody, type Bytes } from "../support/uploads.js";
import { craftZip } from "../support/zips.js";

const BATCHES = "/api/v1/batches";
const zip = await scriptZip("echo hello");

/** Sends one upload and gives the problem that it must meet with. */
async function refused(
  app: TestApp,
  body: NonNullable<RequestInit["body"]>,
  type?: string,
  path = BATCHES,
): Promise<Problem> {
  const headers = type === undefined ? {} : { "Content-Type": type };
  return problemOf(await app.request(path, { method: "POST", body, headers }));
}

const places = ({ errors }: Problem) => errors.map(({ pointer }) => pointer).sort();

/** A form beside which every case below changes one thing. */
function form(...changes: [part: string, value: string | Bytes, fileName?: string][]): FormData {
  const body = new FormData();
  for (const [part, value, fileName] of changes) {
    if (typeof value === "string") body.append(part, value);
    else body.append(part, new Blob([value]), fileName ?? "batch.zip");
  }
  return body;
}

it("all faults of a config are told at once, each with its place and a hint to mend it", async () => {
  const app = await startApp();
  const config = { nme: "a", crn: "@daily", timeZone: "Mars/Base", args: ["one", 2], retries: 3, every: "daily" };
  const problem = await refused(app, uploadBody(config, { "a.zip": zip }));
  expect(problem).toMatchObject({ status: 400, code: "invalid_config" });
  expect(places(problem)).toEqual(["/args/1", "/crn", "/name", "/nme", "/retries", "/timeZone"]);
  const messages = new Map(problem.errors.map(({ pointer, message }) => [pointer, message]));
  expect(messages.get("/nme")).toBe("unknown key; did you mean name?");
  expect(messages.get("/crn")).toBe("unknown key; did you mean cron?");
  expect(messages.get("/retries")).toMatch(/^unknown key; known keys are name, .*overlap, .*leftovers, alerts$/);
  expect(messages.get("/name")).toBe("is missing");
  await expectNothingKept(app);
});

it("keys that only the service may set, or that JavaScript gives a meaning to, are unknown keys like any other", async () => {
  const app = await startApp();
  for (const key of ["id", "status", "createdAt", "enabled", "version", "path", "__proto__", "constructor"]) {
    const problem = await refused(app, uploadBody(`{"name":"a","${key}":1}`, { "a.zip": zip }));
    expect(problem, key).toMatchObject({ status: 400, errors: [{ pointer: `/${key}` }] });
  }
  await expectNothingKept(app);
});

it("a config that is no JSON object is refused in words", async () => {
  const app = await startApp();
  const cases: [config: string | Bytes, code: string][] = [
    ["", "invalid_json"],
    ['{"name":', "invalid_json"],
    [bytesOf(Buffer.from('{"name":"a"}', "utf16le")), "invalid_json"],
    [bytesOf(Buffer.from('{"name":"\xe4"}', "latin1")), "invalid_json"],
    ['"name"', "invalid_config"],
    ["null", "invalid_config"],
    ['[{"name":"a"}]', "invalid_config"],
    [`{"name":"a","args":${"[".repeat(40_000)}${"]".repeat(40_000)}}`, "too_deep"],
  ];
  for (const [config, code] of cases) {
    const problem = await refused(app, form(["config", config, "config.json"], ["batch", zip]));
    expect(problem, String(config).slice(0, 40)).toMatchObject({ status: 400, code });
  }
  await expectNothingKept(app);
});

it("a schedule that cannot be kept is refused where it stands", async () => {
  const app = await startApp();
  for (const [key, value] of [
    ["cron", "61 * * * *"],
    ["cron", "0 0 30 2 *"],
    ["cron", ""],
    ["at", "2026-12-01T12:00:00Z"],
    ["at", "2027-01-01T12:00:00"],
    ["every", "fortnightly"],
  ] as const) {
    const problem = await refused(app, uploadBody({ name: "a", [key]: value }, { "a.zip": zip }));
    const code = value === "0 0 30 2 *" ? "never_fires" : "invalid_config";
    expect(problem, value).toMatchObject({ status: 400, code });
    expect(places(problem)[0], value).toMatch(new RegExp(`^/${key}`));
  }
  const both = await refused(app, uploadBody({ name: "a", cron: "@daily", every: "daily" }, { "a.zip": zip }));
  expect(both.detail).toMatch(/only one of cron, every/);
  await expectNothingKept(app);
});

it("a name that is taken, in whatever letters, is a conflict and leaves the batch that has it alone", async () => {
  const app = await startApp();
  const first = await app.sdk.batches.create(zip, { name: "Ökonomie" });
  for (const name of ["Ökonomie", "öKONOMIE", "Ökonomie".normalize("NFD")]) {
    const problem = await refused(app, uploadBody({ name }, { "a.zip": zip }));
    expect(problem, name).toMatchObject({ status: 409, code: "name_taken", errors: [{ pointer: "/name" }] });
  }
  expect((await app.sdk.batches.list()).items).toEqual([first]);
  expect(await storedArtifacts(app)).toHaveLength(1);
});

it("parts that are missing, too many or under a wrong name are refused by that name", async () => {
  const app = await startApp();
  const config = '{"name":"a"}';
  const cases: [body: FormData, code: string, pointer: string][] = [
    [form(["batch", zip]), "invalid_request", "/config"],
    [form(["config", config]), "missing_part", "batch"],
    [form(["config", config], ["batch", "not a file"]), "invalid_request", "/batch"],
    [form(["config", config], ["batch", zip], ["batch", zip]), "unexpected_part", "batch"],
    [form(["config", config], ["batches", zip]), "unexpected_part", "batches"],
    [form(["config", config], ["zip", zip]), "unexpected_part", "zip"],
    [form(["config", config], ["batch", zip], ["note", "hello"]), "invalid_request", "/note"],
    [form(["config", config], ["batch", zip], ["a[b][c]", "x"]), "invalid_request", "/a"],
    [form(["config", config], ["batch", zip], ["__proto__[x]", "y"]), "invalid_request", "/__proto__"],
    [form(["config", config], ["config", config], ["batch", zip]), "invalid_request", "/config"],
  ];
  for (const [body, code, pointer] of cases) {
    const problem = await refused(app, body);
    expect(problem, pointer).toMatchObject({ status: 400, code, errors: [{ pointer }] });
  }
  const crowd = Array.from({ length: 20 }, (_, i): [string, string] => [`part${i}`, "x"]);
  expect(await refused(app, form(...crowd))).toMatchObject({ status: 400, code: "unexpected_part" });
  await expectNothingKept(app);
});

it("a body that is not multipart is 415, one that breaks off or has no boundary 400", async () => {
  const app = await startApp();
  for (const type of ["application/json", "application/x-www-form-urlencoded", "application/zip"]) {
    expect(await refused(app, "{}", type), type).toMatchObject({ status: 415, code: "not_multipart" });
  }
  const none = await app.request(BATCHES, { method: "POST" });
  expect(await problemOf(none)).toMatchObject({ status: 415, code: "not_multipart" });
  const begun = '--x\r\nContent-Disposition: form-data; name="batch"; filename="a.zip"\r\n\r\nPK';
  for (const [body, type] of [
    [begun, "multipart/form-data; boundary=x"],
    [begun, "multipart/form-data; boundary=another"],
    [begun, "multipart/form-data"],
    ["", "multipart/form-data; boundary=x"],
    ["--x\r\nno header at all", "multipart/form-data; boundary=x"],
  ] as const) {
    expect(await refused(app, body, type), `${type}: ${body}`).toMatchObject({ status: 400 });
  }
  await expectNothingKept(app);
});

/** A sound archive of exactly so many bytes. */
function zipOfSize(bytes: number): Bytes {
  const entry = (content: Buffer) => [
    { name: "script.sh", content: "echo\n" },
    { name: "data", method: 0, content },
  ];
  const rest = craftZip(entry(Buffer.alloc(0))).length;
  return bytesOf(craftZip(entry(randomBytes(bytes - rest))));
}

it("a file may have MAX_UPLOAD bytes and not one more, however long it goes on", async () => {
  const app = await startApp({ MAX_UPLOAD: "20K" });
  for (const bytes of [20 * 1024 + 1, 5_000_000]) {
    const problem = await refused(app, uploadBody({ name: "a" }, { "a.zip": zipOfSize(bytes) }));
    expect(problem, String(bytes)).toMatchObject({ status: 413, code: "too_large" });
    expect(problem.detail).toMatch(/`batch`.*MAX_UPLOAD.*20480 bytes/);
  }
  await expectNothingKept(app);
  const longConfig = form(["config", " ".repeat(1024 * 1024 + 1)], ["batch", zip]);
  expect(await refused(app, longConfig)).toMatchObject({ status: 413 });
  await expectNothingKept(app);
  const fits = uploadBody({ name: "a" }, { "a.zip": zipOfSize(20 * 1024) });
  expect((await app.request(BATCHES, { method: "POST", body: fits })).status).toBe(201);
});

const script = { name: "script.sh", content: "echo hello\n" };
const BAD_ZIPS: [what: string, zip: Buffer, status: number, code: string, entry: string][] = [
  ["a name that climbs out", craftZip([script, { name: "../evil" }]), 422, "unsafe_path", "../evil"],
  ["an absolute name", craftZip([script, { name: "/etc/evil" }]), 422, "unsafe_path", "/etc/evil"],
  ["a link", craftZip([script, { name: "l", content: "/", mode: 0o120777 }]), 422, "link_or_special", "l"],
  ["a name twice", craftZip([script, { name: "a" }, { name: "A" }]), 422, "duplicate_entry", "A"],
  ["an encrypted entry", craftZip([{ ...script, flags: 1 }]), 422, "encrypted", "script.sh"],
  ["no script.sh", craftZip([{ name: "run.sh", content: "echo\n" }]), 422, "missing_script", "script.sh"],
  ["script.sh in a folder only", craftZip([{ ...script, name: "a/script.sh" }]), 422, "missing_script", "script.sh"],
  ["Windows line ends", craftZip([{ ...script, content: "a\r\n" }]), 422, "script_line_ends", "script.sh"],
  ["damaged data", craftZip([{ ...script, crc: 1 }]), 422, "bad_zip", "script.sh"],
  ["no end", craftZip([script]).subarray(0, -10), 422, "bad_zip", ""],
  ["text instead of a zip", Buffer.from("hello, I am a zip"), 415, "not_a_zip", ""],
  ["nothing", Buffer.alloc(0), 415, "not_a_zip", ""],
  ["a bomb", craftZip([script, { name: "zeros", content: Buffer.alloc(11 * 1024 ** 2) }]), 413, "ratio_too_high", ""],
];

it.each(BAD_ZIPS)(
  "an archive with %s is refused, its entry named, and nothing is kept",
  async (_, bad, ...expected) => {
    const app = await startApp();
    const problem = await refused(app, uploadBody({ name: "a" }, { "a.zip": bytesOf(bad) }));
    expect([problem.status, problem.code, problem.errors[0]?.pointer]).toEqual(expected);
    await expectNothingKept(app);
  },
);

it("an upload for nobody, or after a batch that is not there, leaves nothing either", async () => {
  const app = await startApp();
  const body = () => uploadBody({ name: "a" }, { "a.zip": zip });
  expect(await refused(app, body(), undefined, `${BATCHES}/7/successors`)).toMatchObject({ status: 404 });
  const stranger = await fetch(app.app.url + BATCHES, { method: "POST", body: body() });
  expect(await problemOf(stranger)).toMatchObject({ status: 401 });
  await expectNothingKept(app);
});
