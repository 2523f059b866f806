// What changed from one version to another: told file by file, and as a patch that other programs apply.
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { versionDiffSchema } from "../../src/models/version.js";
import { writeTree } from "../handlers/artifact-store/open-place.js";
import { startApp } from "../support/app.js";
import { problemOf } from "../support/problems.js";
import { addVersion, SCRIPT, withVersions } from "../support/versions.js";
import { zipOf, type ZipFiles } from "../support/zips.js";

const DIFF = "/api/v1/batches/a/versions/1/diff";
const BYTES = Buffer.from([0, 1, 2, 255]);

it("every kind of change is told, by path, with sizes, exec bits and the lines", async () => {
  const app = await startApp();
  const program = (content: string) => ({ content, mode: 0o755 });
  await withVersions(
    app,
    { same: "1\n", gone: "1\n", text: "1\n2\n", tool: "true\n", both: "1\n", "a.bin": BYTES },
    { same: "1\n", text: "1\n3\n", tool: program("true\n"), both: program("2\n"), "a.bin": BYTES.subarray(1), new: "" },
  );
  const diff = await app.sdk.versions.diff("a", 1, 2);
  expect(versionDiffSchema.strict().parse(diff)).toEqual(diff);
  expect(diff).toMatchObject({ from: 1, to: 2, config: [], truncated: false });
  const told = diff.files.map(({ path, change, binary, bytes, executable, note }) => {
    return [path, change, binary, bytes.from, bytes.to, executable.from, executable.to, note];
  });
  expect(told).toEqual([
    ["a.bin", "changed", true, 4, 3, false, false, "It is no text."],
    ["both", "changed", false, 2, 2, false, true, null],
    ["gone", "removed", false, 2, null, false, null, null],
    ["new", "added", false, null, 0, null, false, null],
    ["text", "changed", false, 4, 4, false, false, null],
    ["tool", "mode", false, 5, 5, false, true, null],
  ]);
  expect(diff.files.map(({ patch }) => patch)).toEqual([
    null,
    "diff --git a/both b/both\nold mode 100644\nnew mode 100755\n--- a/both\n+++ b/both\n@@ -1,1 +1,1 @@\n-1\n+2\n",
    "diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-1\n",
    "diff --git a/new b/new\nnew file mode 100644\nindex 0000000..e69de29\n",
    "diff --git a/text b/text\n--- a/text\n+++ b/text\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n",
    "diff --git a/tool b/tool\nold mode 100644\nnew mode 100755\n",
  ]);
});

it("it leads to the active version if no other is named, either way round, and to nothing from itself", async () => {
  const app = await startApp();
  await withVersions(app, { x: "1\n" }, { x: "2\n" }, { x: "3\n" });
  const lines = async (from: number, to?: number) => {
    const { files, ...diff } = await app.sdk.versions.diff("a", from, to);
    return [diff.from, diff.to, ...files.map(({ patch }) => patch?.split("\n").slice(-3, -1).join(" "))];
  };
  expect(await lines(1)).toEqual([1, 3, "-1 +3"]);
  expect(await lines(2, 1)).toEqual([2, 1, "-2 +1"]);
  expect(await lines(3)).toEqual([3, 3]);
});

it("the keys of the config that differ are told with both values", async () => {
  const app = await startApp();
  const [second, third] = [await zipOf({ ...SCRIPT, n: "2" }), await zipOf({ ...SCRIPT, n: "3" })];
  await withVersions(app, {});
  await addVersion(app, second, { cron: "0 3 * * *", env: { A: "1", B: "2" } });
  await addVersion(app, third, { cron: undefined, env: { B: "2", A: "1" }, args: ["x"] });
  expect(await app.sdk.versions.diff("a", 1, 2)).toMatchObject({
    files: [{ path: "n", change: "added" }],
    config: [
      { pointer: "/env", from: {}, to: { A: "1", B: "2" } },
      { pointer: "/cron", from: null, to: "0 3 * * *" },
    ],
  });
  const { config } = await app.sdk.versions.diff("a", 2, 3);
  expect(config).toEqual(
    expect.arrayContaining([
      { pointer: "/cron", from: "0 3 * * *", to: null },
      { pointer: "/args", from: [], to: ["x"] },
    ]),
  );
  expect(config).toHaveLength(2);
});

const BEFORE: ZipFiles = {
  "plain.txt": "a\nb\nc\n",
  "sub folder/my file.txt": "a\nb\n",
  "ünï 日本 100% ?#.txt": "a\n",
  'q"uote': "a\n",
  " lead": "a\n",
  "trail ": "a\n",
  "no newline": "a",
  "newline comes": "a",
  "newline goes": "a\n",
  "windows.txt": "a\r\nb\r\n",
  mark: "\ufeffa\nb\n",
  "comes empty": "a\n",
  "was empty": "",
  "goes away": "a\nb\n",
  "goes empty": "",
  "mode only": "true\n",
  "mode and text": "a\n",
  "--- a/script.sh": "--- a\n+++ b\n",
  "far apart": `${"x\n".repeat(20)}a\n${"y\n".repeat(20)}b\n`,
};

const AFTER: ZipFiles = {
  "plain.txt": "a\nx\nc\n",
  "sub folder/my file.txt": "a\nc\n",
  "ünï 日本 100% ?#.txt": "b\n",
  'q"uote': "b\n",
  " lead": "b\n",
  "trail ": "b\n",
  "no newline": "b",
  "newline comes": "a\n",
  "newline goes": "a",
  "windows.txt": "a\r\nc\r\n",
  mark: "\ufeffa\nc\n",
  "comes empty": "",
  "was empty": "a\n",
  "mode only": { content: "true\n", mode: 0o755 },
  "mode and text": { content: "b\n", mode: 0o755 },
  "--- a/script.sh": "--- b\n+++ a\n",
  "far apart": `A\n${"x\n".repeat(20)}a\n${"y\n".repeat(20)}B\n`,
  "deep/er/new file.txt": "a\n",
  "new tool": { content: "a", mode: 0o755 },
  "new and empty": "",
};

/** Everything in a folder, by path: exec bit and content. */
async function treeOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const told = files.map(async (file) => {
    const { mode } = await stat(file);
    return [file.slice(folder.length + 1), `${mode & 0o100 ? "x" : "-"} ${await readFile(file, "latin1")}`] as const;
  });
  return Object.fromEntries(await Promise.all(told));
}

async function folderOf(files: ZipFiles): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "batchline-patch-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  writeTree(folder, files);
  return folder;
}

it.each([
  ["patch", ["-p1", "--batch"], {}, {}],
  // A file that becomes a folder is beyond GNU patch.
  ["git", ["apply"], { turns: "a\n" }, { "turns/x": "a\n" }],
])("the patch, applied by %s, makes the one version of the other, both ways", async (program, args, also, then) => {
  const app = await startApp();
  const [old, recent] = [
    { ...BEFORE, ...also },
    { ...AFTER, ...then },
  ];
  await withVersions(app, { ...old, "a.bin": BYTES }, { ...recent, "a.bin": BYTES.subarray(1) });
  for (const [from, to, before, after] of [
    [1, 2, old, recent],
    [2, 1, recent, old],
  ] as const) {
    const patch = await app.sdk.versions.patch("a", from, to);
    expect(patch.startsWith("Binary files a/a.bin and b/a.bin differ\n")).toBe(true);
    const [folder, wanted] = [
      await folderOf({ ...before, "a.bin": BYTES }),
      await folderOf({ ...after, "a.bin": BYTES }),
    ];
    execFileSync(program, args, {
      cwd: folder,
      input: patch,
      env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
    });
    expect(await treeOf(folder)).toEqual(await treeOf(wanted));
  }
});

it("format=patch is a download of its own kind; what has no lines stands before them", async () => {
  const app = await startApp();
  const [long, longer] = ["x".repeat(1024 ** 2 + 1), "x".repeat(1024 ** 2 + 2)];
  await withVersions(app, { long, gone: BYTES, "x.txt": "1\n" }, { long: longer, "new.bin": BYTES, "x.txt": "ü\n" });
  const response = await app.request(`${DIFF}?format=patch`);
  const body = Buffer.from(await response.arrayBuffer());
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/x-diff; charset=utf-8",
    "content-length": String(body.length),
    "content-disposition": `attachment; filename="a-1-2.patch"; filename*=UTF-8''a-1-2.patch`,
  });
  expect(body.toString().split("\n")).toEqual([
    "Binary files a/gone and /dev/null differ",
    "Files a/long and b/long differ. It is too large to be compared by lines: more than 1 MiB, or 20000 lines.",
    "Binary files /dev/null and b/new.bin differ",
    "diff --git a/x.txt b/x.txt",
    "--- a/x.txt",
    "+++ b/x.txt",
    "@@ -1,1 +1,1 @@",
    "-1",
    "+ü",
    "",
  ]);
});

it("a question that makes no sense is refused by name", async () => {
  const app = await startApp();
  await withVersions(app, {});
  for (const [query, pointer] of [
    ["to=0", "query/to"],
    ["to=latest", "query/to"],
    ["format=html", "query/format"],
    ["from=1", "query/from"],
  ] as const) {
    const problem = await problemOf(await app.request(`${DIFF}?${query}`));
    expect(problem, query).toMatchObject({ status: 400, errors: [{ pointer }] });
  }
});
