// What a script prints is kept byte for byte, up to the cap, whatever the script does with its streams.
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { readStatus } from "../../../src/handlers/process/run-folder.js";
import { fixture, openRoom } from "./run-room.js";

const PRINT_BOTH = "cat out.bin\ncat err.bin >&2\n";
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, value) => value));

function noNul(size: number): Buffer {
  return Buffer.from(randomBytes(size).map((byte) => byte | 1));
}

const payloads: [string, Buffer, Buffer][] = [
  ["nothing at all", Buffer.alloc(0), Buffer.alloc(0)],
  ["one NUL", Buffer.from([0]), Buffer.alloc(0)],
  ["NUL at the end, no newline", Buffer.from("a\0"), Buffer.from("\0b")],
  ["newlines only", Buffer.from("\n\n\n"), Buffer.from("\n")],
  ["backslashes and percent signs", Buffer.from("\\n %s %d \\x41 \\\n"), Buffer.from("-n %")],
  ["every byte there is", everyByte, everyByte],
  ["bytes that bash uses inside itself", Buffer.from([1, 1, 127, 127, 1, 255, 254]), Buffer.from([127, 1])],
  ["4,095 bytes", noNul(4095), randomBytes(4095)],
  ["4,096 bytes", noNul(4096), randomBytes(4096)],
  ["4,096 bytes and a NUL", Buffer.concat([Buffer.alloc(4096, "x"), Buffer.from([0])]), Buffer.alloc(4096)],
  ["4,097 bytes", noNul(4097), randomBytes(4097)],
  ["more than a pipe holds", randomBytes(65_537), randomBytes(70_000)],
  ["2 MB", randomBytes(2_000_000), randomBytes(1_000_000)],
  ["much on stderr only", Buffer.alloc(0), randomBytes(300_000)],
];

describe("capture", () => {
  it.each(payloads)("keeps %s exactly, both streams apart", async (_, out, err) => {
    const room = await openRoom({ size: 1 });
    const runId = await room.prepare(PRINT_BOTH);
    await writeFile(join(room.workFolder(runId), "out.bin"), out);
    await writeFile(join(room.workFolder(runId), "err.bin"), err);
    const outcome = await room.finish(runId);
    expect(outcome.answer).toMatchObject({ kind: "done", code: 0, open: false });
    expect(outcome.out.equals(out)).toBe(true);
    expect(outcome.err.equals(err)).toBe(true);
    expect(outcome.status).toMatchObject({ outTruncated: false, errTruncated: false });
  });

  it("makes no log file for a stream that stayed silent", async () => {
    const room = await openRoom({ size: 1 });
    const runId = await room.prepare("true");
    await room.finish(runId);
    await expect(readFile(room.logFile(runId, "out"))).rejects.toThrow("ENOENT");
    await expect(readFile(room.logFile(runId, "err"))).rejects.toThrow("ENOENT");
  });

  it("stops at exactly the cap, says so for the stream, and leaves the script unhurt", async () => {
    const room = await openRoom({ capBytes: 100 * 1024 });
    const flood = await room.run(await fixture("floods-output"));
    expect(flood.answer).toMatchObject({ kind: "done", code: 9 });
    expect([flood.out.length, flood.err.length]).toEqual([102_400, 102_400]);
    expect(flood.status).toMatchObject({ state: "exit", code: 9, outTruncated: true, errTruncated: true });

    const full = await room.run("head -c 102400 /dev/zero; head -c 102401 /dev/zero >&2");
    expect([full.out.length, full.err.length]).toEqual([102_400, 102_400]);
    expect(full.status).toMatchObject({ outTruncated: false, errTruncated: true });
  });

  it("says so within the status file, however long the log's path is", async () => {
    const room = await openRoom({ capBytes: 8 * 1024 });
    const outFile = join(room.logsFolder, "x".repeat(200));
    const { status } = await room.run("head -c 60000 /dev/zero", { outFile });
    expect(status).toMatchObject({ outTruncated: true, errTruncated: false });
  });

  it("tells the truncation of each stream, whichever drain complains first", async () => {
    const room = await openRoom({ size: 3, capBytes: 8 * 1024 });
    const flood = async (): Promise<void> => {
      const { status } = await room.run("head -c 60000 /dev/zero; head -c 60000 /dev/zero >&2");
      expect(status).toMatchObject({ state: "exit", outTruncated: true, errTruncated: true });
    };
    await Promise.all(Array.from({ length: 60 }, flood));
  });

  it("keeps a cap that is smaller than what is read at first", async () => {
    const room = await openRoom({ capBytes: 1024 });
    const outcome = await room.run("printf %1024s x; printf %1030s x >&2; exit 7");
    expect(outcome.status).toMatchObject({ code: 7, outTruncated: false, errTruncated: true });
    expect([outcome.out.length, outcome.err.length]).toEqual([1024, 1024]);
  });

  it("does not wipe a log when the script opens /dev/stderr or /dev/stdout", async () => {
    const room = await openRoom();
    const { out, err } = await room.run(await fixture("opens-dev-stderr"));
    expect(err.toString()).toBe("early 1\nearly 2\nearly 3\nlate 1\nlate 2\nlate 3\n");
    expect(out.toString()).toBe("early 3\nearly 4\nlate 3\nlate 4\n");
  });

  it("shows a long script's output while it runs", async () => {
    const room = await openRoom();
    const runId = await room.prepare(await fixture("slow-lines"));
    const answer = room.pool.run(runId);
    await room.printed(runId, "first\n");
    await room.printed(runId, "first error\n", "err");
    expect(readStatus(room.runFolder(runId))).toMatchObject({ state: "running" });
    await writeFile(join(room.workFolder(runId), "go"), "");
    expect(await answer).toMatchObject({ kind: "done", code: 5, open: false });
    expect((await room.log(runId, "out")).toString()).toBe("first\nsecond\n");
    expect((await room.log(runId, "err")).toString()).toBe("first error\nsecond error\n");
  });

  it("goes on when a script closes its streams early", async () => {
    const room = await openRoom();
    const { answer, out } = await room.run("echo a; exec >&- 2>&-; sleep 0.15; exit 6");
    expect(answer).toMatchObject({ kind: "done", code: 6, open: false });
    expect(out.toString()).toBe("a\n");
  });

  it("says `open` when something left behind holds the streams, and does not wait for it", async () => {
    const room = await openRoom();
    const runId = await room.prepare(await fixture("leaves-child"));
    const { answer, status, out } = await room.finish(runId);
    expect(answer).toMatchObject({ kind: "done", code: 0, open: true });
    expect(status).toMatchObject({ state: "exit", code: 0 });
    expect(out.toString()).toBe("gone already\n");
    expect(await room.killLeftovers(runId)).toBe(1);
  });

  it("says `closed` when what is left behind holds neither stream", async () => {
    const room = await openRoom();
    const runId = await room.prepare("sleep 600 >/dev/null 2>&1 &");
    expect((await room.finish(runId)).answer).toMatchObject({ kind: "done", code: 0, open: false });
    expect(await room.killLeftovers(runId)).toBe(1);
  });

  it.each([
    ["a full disk", "/dev/full"],
    ["a log folder that is gone", "/nowhere/at/all"],
  ])("keeps the exit code and says what is lost on %s, early and late", async (_, file) => {
    const room = await openRoom();
    const early = await room.run("echo a; echo b >&2; exit 4", { outFile: file });
    expect(early.status).toMatchObject({ code: 4, outTruncated: true, errTruncated: false });
    expect(early.err.toString()).toBe("b\n");
    const late = await room.run("sleep 0.1; seq 20000 >&2; echo a; exit 5", { errFile: file });
    expect(late.status).toMatchObject({ code: 5, outTruncated: false, errTruncated: true });
    expect(late.out.toString()).toBe("a\n");
  });
});
