// The log store on real files: names, making, sizes, ranges, tails, what is refused and what is removed.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, mkdtemp, mkdir, readdir, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogStore, type LogRef, type OpenLog } from "../../src/handlers/log-store.js";
import { openFilesIn } from "../support/process-traces.js";

let folder: string;
let store: LogStore;
let opened: OpenLog[];
const ref: LogRef = { executionId: 42, attempt: 1, stream: "log" };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "log-store-"));
  store = new LogStore({ folder });
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((log) => log.close()));
  await rm(folder, { recursive: true });
  expect(openFilesIn(folder)).toEqual([]); // a removed file that is still open counts too
});

async function write(content: string | Uint8Array, to = ref): Promise<string> {
  await store.ensureFile(to);
  await writeFile(store.pathFor(to), content);
  return store.pathFor(to);
}

async function openedLog(content: string | Uint8Array): Promise<OpenLog> {
  await write(content);
  const log = await store.open(ref);
  opened.push(log!);
  return log!;
}

describe("names", () => {
  it("puts a thousand executions into one folder, one file per attempt and stream", () => {
    const path = (executionId: number, attempt: number, stream: LogRef["stream"]) =>
      store.pathFor({ executionId, attempt, stream });
    expect(path(1, 1, "log")).toBe(join(folder, "0", "1-1.log"));
    expect(path(999, 12, "error_log")).toBe(join(folder, "0", "999-12.error.log"));
    expect(path(1000, 2, "log")).toBe(join(folder, "1", "1000-2.log"));
    expect(path(123_456_789, 1, "log")).toBe(join(folder, "123456", "123456789-1.log"));
  });

  it("is absolute even if the folder was given relative", () => {
    expect(new LogStore({ folder: "logs" }).pathFor(ref)).toBe(join(process.cwd(), "logs", "0", "42-1.log"));
  });

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 53, "5", "../../etc/passwd", null, undefined, [1]])(
    "lets no %j into a path",
    (hostile) => {
      const value: unknown = hostile;
      const bad = (part: object) => () => store.pathFor({ ...ref, ...part });
      expect(bad({ executionId: value })).toThrow(expect.objectContaining({ code: "invalid" }) as Error);
      expect(bad({ attempt: value })).toThrow(expect.objectContaining({ code: "invalid" }) as Error);
    },
  );

  it("lets no other stream into a path", () => {
    const hostile: object = { stream: "../../x" };
    expect(store.pathFor({ ...ref, ...hostile })).toBe(join(folder, "0", "42-1.log"));
  });
});

describe("making", () => {
  it("prepares a folder that does not exist yet, closed to other users", async () => {
    const deep = join(folder, "a", "b");
    await new LogStore({ folder: deep }).prepare();
    expect((await stat(deep)).mode & 0o007).toBe(0);
  });

  it("says in plain words that the folder cannot be used", async () => {
    await writeFile(join(folder, "file"), "");
    const unusable = new LogStore({ folder: join(folder, "file") });
    await expect(unusable.prepare()).rejects.toMatchObject({ code: "unavailable", reason: "log_folder_unusable" });
    await expect(unusable.prepare()).rejects.toThrow(/LOGS_DIR/);
  });

  it("makes the folder of an execution once", async () => {
    const first = store.ensureFolder(5001);
    expect(store.ensureFolder(5999)).toBe(first);
    await first;
    expect(await readdir(folder)).toEqual(["5"]);
  });

  it("tries again after a failure", async () => {
    const inTheWay = join(folder, "5");
    await writeFile(inTheWay, "");
    await expect(store.ensureFolder(5001)).rejects.toThrow();
    await rm(inTheWay);
    await store.ensureFolder(5001);
    expect((await stat(inTheWay)).isDirectory()).toBe(true);
  });

  it("creates an empty file closed to other users, and leaves one with content as it is", async () => {
    await store.ensureFile(ref);
    expect(store.size(ref)).toBe(0);
    expect((await stat(store.pathFor(ref))).mode & 0o007).toBe(0);
    await appendFile(store.pathFor(ref), "hello\n");
    await store.ensureFile(ref);
    expect(store.size(ref)).toBe(6);
  });

  it("makes the folder again after somebody emptied the log folder", async () => {
    await store.ensureFile(ref);
    await rm(join(folder, "0"), { recursive: true });
    await store.ensureFile(ref);
    expect(store.size(ref)).toBe(0);
  });
});

describe("reading", () => {
  it("has no size and nothing to open where there is no log", async () => {
    expect(store.size(ref)).toBeNull();
    expect(await store.open(ref)).toBeNull();
  });

  it("keeps the two streams and the attempts apart", async () => {
    await write("out");
    await write("error", { ...ref, stream: "error_log" });
    await write("second", { ...ref, attempt: 2 });
    expect(store.size(ref)).toBe(3);
    expect(store.size({ ...ref, stream: "error_log" })).toBe(5);
    expect(store.size({ ...ref, attempt: 2 })).toBe(6);
  });

  it("reads any range byte for byte", async () => {
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7919) % 256));
    const log = await openedLog(bytes);
    for (const [start, end] of [
      [0, 200_000],
      [0, 1],
      [199_999, 200_000],
      [65_535, 65_537],
      [65_536, 131_072],
    ] as const) {
      expect((await buffer(log.read(start, end))).equals(bytes.subarray(start, end)), `${start}-${end}`).toBe(true);
    }
  });

  it("reads an empty range and an empty log", async () => {
    expect(await text((await openedLog("abc")).read(2, 2))).toBe("");
    const empty = await openedLog("");
    expect([empty.size, await text(empty.read(0, 0))]).toEqual([0, ""]);
  });

  it("serves two readers of one log at once", async () => {
    const bytes = Buffer.alloc(300_000, "abcdefg\n");
    const log = await openedLog(bytes);
    const both = await Promise.all([buffer(log.read(0, 300_000)), buffer(log.read(100_000, 300_000))]);
    expect(both[0].equals(bytes)).toBe(true);
    expect(both[1].equals(bytes.subarray(100_000))).toBe(true);
  });

  it("speaks of the log as it was when opened, while it grows", async () => {
    const log = await openedLog("one\n");
    await appendFile(store.pathFor(ref), "two\n");
    expect(log.size).toBe(4);
    expect(await text(log.read(0, log.size))).toBe("one\n");
    expect(await log.tailOffset(1)).toBe(0);
    expect(() => log.read(0, 5)).toThrow(RangeError);
  });

  it.each([
    [-1, 2],
    [2, 1],
    [0, 4],
    [0.5, 2],
    [NaN, 2],
  ])("refuses the range %d to %d of three bytes", async (start, end) => {
    const log = await openedLog("abc");
    expect(() => log.read(start, end)).toThrow(RangeError);
  });

  it("breaks off rather than pretend that a log cut meanwhile is whole", async () => {
    const log = await openedLog("0123456789");
    await truncate(store.pathFor(ref), 4);
    await expect(text(log.read(0, 10))).rejects.toThrow("shorter");
  });

  it("lets a reader go away early, and may be closed twice", async () => {
    const log = await openedLog(Buffer.alloc(1_000_000));
    for await (const chunk of log.read(0, 1_000_000)) {
      expect((chunk as Buffer).length).toBe(65_536);
      break;
    }
    await log.close();
    await log.close();
  });
});

describe("what stands in the place of a log", () => {
  const refused = { code: "internal", reason: "log_not_a_file" };

  async function refuses(): Promise<void> {
    await expect(store.open(ref)).rejects.toMatchObject(refused);
    await expect(store.ensureFile(ref)).rejects.toMatchObject(refused);
    await expect(
      store.follow(ref, { from: 0, signal: AbortSignal.timeout(10_000), isFinal: () => Promise.resolve(true) }).next(),
    ).rejects.toMatchObject(refused);
    expect(store.size(ref)).toBeNull();
  }

  it("is refused if it is a link, and never read or written", async () => {
    const secret = join(folder, "secret");
    await writeFile(secret, "secret");
    await store.ensureFolder(ref.executionId);
    await symlink(secret, store.pathFor(ref));
    await refuses();
    store.discard(ref.executionId, ref.attempt);
    expect((await stat(secret)).size).toBe(6);
  });

  it("is refused if it is a link to nowhere, and nothing is made there", async () => {
    await store.ensureFolder(ref.executionId);
    await symlink(join(folder, "elsewhere"), store.pathFor(ref));
    await refuses();
    expect(await readdir(folder)).toEqual(["0"]);
  });

  it("is refused if it is a pipe, without waiting for a writer", async () => {
    await store.ensureFolder(ref.executionId);
    await promisify(execFile)("mkfifo", [store.pathFor(ref)]);
    await refuses();
  });

  it("is refused if it is a folder", async () => {
    await mkdir(store.pathFor(ref), { recursive: true });
    await refuses();
  });

  it("is told without a path of the machine", async () => {
    await mkdir(store.pathFor(ref), { recursive: true });
    await expect(store.open(ref)).rejects.not.toThrow(dirname(folder));
  });
});

describe("removing", () => {
  it("removes both logs of one attempt and nothing else", async () => {
    await write("a");
    await write("b", { ...ref, stream: "error_log" });
    await write("c", { ...ref, attempt: 2 });
    store.discard(ref.executionId, ref.attempt);
    expect(await readdir(join(folder, "0"))).toEqual(["42-2.log"]);
  });

  it("has nothing against an attempt without logs", async () => {
    store.discard(7, 1);
    await write("a");
    store.discard(ref.executionId, ref.attempt);
    store.discard(ref.executionId, ref.attempt);
    expect(store.size(ref)).toBeNull();
  });

  it("leaves an open reader its bytes", async () => {
    const log = await openedLog("still here");
    store.discard(ref.executionId, ref.attempt);
    const hash = createHash("sha256").update(await buffer(log.read(0, log.size)));
    expect(hash.digest("hex")).toBe(createHash("sha256").update("still here").digest("hex"));
  });
});
