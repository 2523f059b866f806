// The files of a version: the list, single ones with any name and content, and no way to any other file.
import { request as httpRequest } from "node:http";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { expect, it } from "vitest";
import { ADMIN_TOKEN, startApp, type TestApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { withVersions } from "../support/versions.js";
import type { ZipFiles } from "../support/zips.js";

const FILES = "/api/v1/batches/a/versions/1/files";

async function withFiles(files: ZipFiles): Promise<TestApp> {
  const app = await startApp();
  await withVersions(app, files);
  return app;
}

/** A request with its path just as it stands: a client of good manners would tidy it first. */
async function bare({ app }: TestApp, path: string): Promise<{ status: number; body: string }> {
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
  const { hostname, port } = new URL(app.url);
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, headers, agent: false }, (response) => {
      buffer(response).then((body) => resolve({ status: response.statusCode ?? 0, body: body.toString() }), reject);
    })
      .on("error", reject)
      .end();
  });
}

it("GET /files lists every file by its path, and no folder", async () => {
  const { sdk } = await withFiles({
    "z.txt": "z",
    "data/": "",
    "data/b.bin": Buffer.from([0, 1]),
    "data/a.sh": { content: "true\n", mode: 0o755 },
    "Ärger.txt": "",
    "empty/": "",
  });
  const { version, files } = await sdk.versions.files("a", 1);
  expect(version).toBe(1);
  const sum = (content: string | Buffer) => crc32(content).toString(16).padStart(8, "0");
  expect(files).toEqual([
    { path: "data/a.sh", bytes: 5, executable: true, crc32: sum("true\n") },
    { path: "data/b.bin", bytes: 2, executable: false, crc32: sum(Buffer.from([0, 1])) },
    { path: "script.sh", bytes: 11, executable: true, crc32: sum("echo hello\n") },
    { path: "z.txt", bytes: 1, executable: false, crc32: sum("z") },
    { path: "Ärger.txt", bytes: 0, executable: false, crc32: "00000000" },
  ]);
});

it("a file of any name comes back byte for byte, always as an attachment", async () => {
  const names = [
    "a b.txt",
    "100%.txt",
    "what?.txt",
    "a#b.txt",
    "ü/日本.txt",
    "e\u0301.txt",
    '"&+;=,$@.txt',
    "%2e%2e/x",
  ];
  const app = await withFiles(Object.fromEntries(names.map((name) => [name, `this is ${name}`])));
  for (const name of names) {
    const content = Buffer.from(await app.sdk.versions.file("a", 1, name)).toString();
    expect(content, name).toBe(`this is ${name}`);
  }
  const response = await app.request(`${FILES}/%C3%BC/%E6%97%A5%E6%9C%AC.txt`);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": "attachment; filename=\"__.txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt",
    "content-length": "21",
    "x-content-type-options": "nosniff",
  });
});

it("text is told from what is none by its first 8000 bytes, as git does it", async () => {
  const euro = Buffer.from("€");
  const contents: Record<string, [Buffer, boolean]> = {
    empty: [Buffer.alloc(0), true],
    "page.html": [Buffer.from("<script>alert(1)</script>"), true],
    "cut-letter": [Buffer.concat([Buffer.alloc(7999, "x"), euro]), true],
    "early-nul": [Buffer.concat([Buffer.alloc(7999, "x"), Buffer.from([0])]), false],
    "late-nul": [Buffer.concat([Buffer.alloc(8000, "x"), Buffer.from([0])]), true],
    "half-letter": [euro.subarray(0, 2), false],
    latin1: [Buffer.from("Ärger", "latin1"), false],
  };
  const app = await withFiles(Object.fromEntries(Object.entries(contents).map(([name, [content]]) => [name, content])));
  for (const [name, [content, isText]] of Object.entries(contents)) {
    const response = await app.request(`${FILES}/${name}`);
    const type = isText ? "text/plain; charset=utf-8" : "application/octet-stream";
    expect(response.headers.get("content-type"), name).toBe(type);
    expect(Buffer.from(await response.arrayBuffer()).equals(content), name).toBe(true);
    const head = await app.request(`${FILES}/${name}`, { method: "HEAD" });
    expect(head.headers.get("content-length"), name).toBe(String(content.length));
    expect(await head.text()).toBe("");
  }
});

it("no path leads to anything but a file that the version lists", async () => {
  const app = await withFiles({ "data/x.txt": "x" });
  // What is worth reaching lies right beside, and would be found by joining paths.
  await writeFile(join(app.config.uploadsDir, "secret"), "HIDDEN");
  await mkdir(join(app.config.uploadsDir, "data"));
  const paths = [
    "..%2f..%2fsecret",
    "..%2F..%2Fsecret",
    "../../secret",
    "%2e%2e/%2e%2e/secret",
    "data/..%2f..%2f..%2fsecret",
    "data/../data/x.txt",
    "data/%2e/x.txt",
    "./data/x.txt",
    "data//x.txt",
    "data/x.txt/",
    "/data/x.txt",
    "%2fdata%2fx.txt",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "data/x.txt%00",
    "data%00/x.txt",
    "data%5cx.txt",
    "data\\x.txt",
    "..%5c..%5csecret",
    "%252e%252e%252fsecret",
    "%c0%ae%c0%ae/secret",
    "%",
    "data",
    "data/",
    "DATA/X.TXT",
    "__proto__",
    "x".repeat(5000),
  ];
  for (const path of paths) {
    const { status, body } = await bare(app, `${FILES}/${path}`);
    expect([400, 404], path).toContain(status);
    expect(body, path).not.toMatch(/^(HIDDEN|root:)/);
  }
  const problem = await problemOf(await app.request(`${FILES}/data/y.txt`));
  expect(problem).toMatchObject({ status: 404, code: "no_such_file" });
  expect(problem.detail).toContain("/files");
  // A slash in one part is the same path.
  expect(await bare(app, `${FILES}/data%2Fx.txt`)).toEqual({ status: 200, body: "x" });
});
