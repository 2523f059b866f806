// Workspaces: what a run finds on disk is its own, what it leaves is read with care and removed without harm.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { newMakerMark } from "../../src/handlers/process/maker-mark.js";
import { parseProgress, runIdOf, Workspaces, type RunPaths } from "../../src/handlers/workspace.js";
import { PATIENCE } from "../support/patience.js";

interface Room {
  workspaces: Workspaces;
  /** A folder beside the workspaces, for files that are none of theirs. */
  outside: string;
  /** The files of an artifact version. */
  files: string;
  /** Lays out a run of these files. */
  create: (runId?: string) => Promise<RunPaths>;
  /** Removes a run and waits until it is gone. */
  remove: (runId: string) => Promise<void>;
}

/** An artifact version of these files: contents by path. */
async function openRoom(contents: Record<string, string> = { "script.sh": "true\n" }): Promise<Room> {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-workspace-"));
  const workspaces = new Workspaces({ dataFolder: path.join(folder, "data") });
  await workspaces.prepare();
  onTestFinished(async () => {
    await workspaces.close();
    await rm(folder, { recursive: true });
  });
  const files = path.join(folder, "files");
  for (const [name, content] of Object.entries(contents)) {
    await mkdir(path.dirname(path.join(files, name)), { recursive: true });
    await writeFile(path.join(files, name), content);
  }
  const outside = path.join(folder, "outside");
  await mkdir(outside);
  const create = async (runId = "1-1") => {
    await workspaces.create(runId, { filesFolder: files, payload: null, inputs: [] });
    return workspaces.pathsOf(runId);
  };
  const remove = async (runId: string) => {
    workspaces.remove(runId);
    await expect.poll(() => existsSync(workspaces.pathsOf(runId).runFolder), PATIENCE).toBe(false);
  };
  return { workspaces, outside, files, create, remove };
}

const SMALL = { "script.sh": "true\n", "sub/deep/file.txt": "deep\n" };
const MANY = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`many/${i % 4}/${i}.txt`, `${i}\n`]));
const LARGE = { "script.sh": "true\n", "large.bin": "x".repeat(2 ** 20) };

describe.each([
  ["a few small files", SMALL],
  ["many files", MANY],
  ["a large file", LARGE],
])("the working copy of %s", (_, contents) => {
  it("has everything, byte for byte", async () => {
    const { create } = await openRoom(contents);
    const { work } = await create();
    for (const [name, content] of Object.entries(contents)) {
      expect(await readFile(path.join(work, name), "utf8")).toBe(content);
    }
  });

  it("is private: changes in it reach neither the artifact nor another copy", async () => {
    const { create, files } = await openRoom(contents);
    const [one, other] = [await create("1-1"), await create("2-1")];
    const [name = "", content = ""] = Object.entries(contents).at(-1) ?? [];
    await writeFile(path.join(one.work, name), "changed");
    for (const folder of [files, other.work]) expect(await readFile(path.join(folder, name), "utf8")).toBe(content);
    await rm(path.join(other.work, name));
    expect(existsSync(path.join(files, name))).toBe(true);
  });

  it("is removed whole, with all that the script made of it", async () => {
    const { create, remove, files } = await openRoom(contents);
    const { work, runFolder } = await create();
    await rm(path.join(work, Object.keys(contents).at(-1) ?? ""));
    await mkdir(path.join(work, "new", "folder"), { recursive: true });
    await writeFile(path.join(runFolder, "progress"), "1");
    await remove("1-1");
    expect(await readdir(files, { recursive: true })).toHaveLength(new Set(Object.keys(contents).flatMap(parts)).size);
  });
});

/** A path and every folder above it. */
function parts(name: string): string[] {
  return name.split("/").map((_, i, all) => all.slice(0, i + 1).join("/"));
}

it("keeps the right to execute in the copy", async () => {
  const { create, files } = await openRoom();
  execFileSync("chmod", ["750", path.join(files, "script.sh")]);
  expect((await lstat(path.join((await create()).work, "script.sh"))).mode & 0o777).toBe(0o750);
});

it("leaves in place what another service process laid out for the same attempt: the fence is in it", async () => {
  const { create, workspaces } = await openRoom();
  const { runFolder } = await create();
  await writeFile(path.join(runFolder, "status"), "running");
  await create();
  expect((await readdir(runFolder)).sort()).toEqual(["status", "work"]);
  await expect.poll(() => readdir(workspaces.runsFolder), PATIENCE).toEqual(["1-1"]);
});

it("shows nothing of a run that could not be laid out whole", async () => {
  const { workspaces, files } = await openRoom();
  const refuse = () => {
    throw new Error("no room");
  };
  await expect(workspaces.create("1-1", { filesFolder: files, payload: null, inputs: [] }, refuse)).rejects.toThrow(
    "no room",
  );
  await expect.poll(() => readdir(workspaces.runsFolder), PATIENCE).toEqual([]);
});

it("removes the drafts of service processes that are gone, and none of one that lives", async () => {
  const { workspaces } = await openRoom();
  const living = newMakerMark();
  const [pid, , boot, nonce] = living.split("-");
  const gone = [`${pid}-1-${boot}-${nonce}`, `4194999-7-${boot}-${nonce}`, living.replace(boot ?? "", "00000000"), "1"];
  const drafts = [living, ...gone].map((mark) => `draft-${mark}-1`);
  for (const draft of drafts) await mkdir(path.join(workspaces.runsFolder, draft));
  await workspaces.removeDrafts();
  await expect.poll(() => readdir(workspaces.runsFolder), PATIENCE).toEqual(drafts.slice(0, 1));
});

it("lays out payload and inputs: predecessors' files under their batches' names, an empty one where there is none", async () => {
  const { workspaces, files, outside, remove } = await openRoom();
  const file = path.join(outside, "1-1.log");
  await writeFile(file, "printed");
  const inputs = [
    { name: "søk & co", file },
    { name: "silent", file: null },
  ];
  await workspaces.create("2-1", { filesFolder: files, payload: '{"a":1}', inputs });
  const paths = workspaces.pathsOf("2-1");
  expect(await readFile(paths.payload, "utf8")).toBe('{"a":1}');
  expect(await readFile(path.join(paths.inputs, "søk & co"), "utf8")).toBe("printed");
  expect(await readFile(path.join(paths.inputs, "silent"), "utf8")).toBe("");
  await remove("2-1");
  expect(await readFile(file, "utf8")).toBe("printed");
});

it("follows no link when it removes: what a script linked to stays", async () => {
  const { create, remove, outside } = await openRoom({ "script.sh": "true\n", "cache/file.txt": "shipped\n" });
  const { work } = await create();
  await writeFile(path.join(outside, "file.txt"), "precious\n");
  await rm(path.join(work, "cache"), { recursive: true });
  await symlink(outside, path.join(work, "cache"));
  await remove("1-1");
  expect(await readFile(path.join(outside, "file.txt"), "utf8")).toBe("precious\n");
});

it("lists run folders and nothing else", async () => {
  const { create, workspaces } = await openRoom();
  await create(runIdOf(12, 3));
  await mkdir(path.join(workspaces.runsFolder, "lost+found"));
  expect(await workspaces.list()).toEqual(["12-3"]);
});

it("keeps one state folder for each batch until it is removed", async () => {
  const { workspaces } = await openRoom();
  const folder = await workspaces.stateFolder(1);
  await writeFile(path.join(folder, "kept"), "");
  expect(await workspaces.stateFolder(1)).toBe(folder);
  expect(await workspaces.stateFolder(2)).not.toBe(folder);
  await workspaces.removeState(1);
  expect(await readdir(await workspaces.stateFolder(1))).toEqual([]);
});

describe("reports", () => {
  it("read `name=value` lines, of a name given twice the last, and skip all other lines", async () => {
    const { create, workspaces } = await openRoom();
    const { result } = await create();
    expect(workspaces.results("1-1")).toBeNull();
    const lines = ["a=1", "B_2=x=y", "", "no result", "1a=no", "a-b=no", "empty=", "crlf=yes\r", "__proto__=p", "a=2"];
    await writeFile(result, lines.join("\n"));
    const expected = [
      ["a", "2"],
      ["B_2", "x=y"],
      ["empty", ""],
      ["crlf", "yes"],
      ["__proto__", "p"],
    ];
    expect(Object.entries(workspaces.results("1-1") ?? {})).toEqual(expected);
  });

  it("read no more than the end of a huge file", async () => {
    const { create, workspaces } = await openRoom();
    const { progress } = await create();
    await writeFile(progress, `${"1 old\n".repeat(1_000_000)}77 now\n`);
    expect(workspaces.progress("1-1")).toEqual({ percent: 77, text: "now" });
  });

  it.each(["a link", "a folder", "a named pipe"])("take %s for no report, and wait for nothing", async (what) => {
    const { create, workspaces, outside } = await openRoom();
    const { result } = await create();
    await writeFile(path.join(outside, "secret"), "name=secret\n");
    if (what === "a link") await symlink(path.join(outside, "secret"), result);
    else if (what === "a folder") await mkdir(result);
    else execFileSync("mkfifo", [result]);
    expect(workspaces.results("1-1")).toBeNull();
  });
});

it.each([
  ["40 loading", { percent: 40, text: "loading" }],
  ["40% loading", { percent: 40, text: "loading" }],
  ["3/8 rows of it", { percent: 37.5, text: "rows of it" }],
  ["1/3", { percent: 33.3, text: "" }],
  ["12.5", { percent: 12.5, text: "" }],
  ["250 too much", { percent: 100, text: "too much" }],
  ["3/0 nothing", { percent: null, text: "nothing" }],
  ["nearly there", { percent: null, text: "nearly there" }],
  ["3rd round", { percent: null, text: "3rd round" }],
  ["10 first\n20 last\n", { percent: 20, text: "last" }],
  ["  50   spaced  \n\n", { percent: 50, text: "spaced" }],
  ["", null],
  [" \n", null],
])("reads the progress %j", (text, expected) => {
  expect(parseProgress(text)).toEqual(expected);
});
