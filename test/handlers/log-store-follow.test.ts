// Following a log that is really being written: complete, in order, ending, abortable, patient, and leaving nothing.
import { spawn, type ChildProcess } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { LogStore, type FollowOptions, type LogRef } from "../../src/handlers/log-store.js";
import { openFilesIn, watchCount } from "../support/process-traces.js";
import { heldBuffers } from "../support/held-buffers.js";

let folder: string;
let store: LogStore;
let leave: AbortController;
let final: AbortController;
const ref: LogRef = { executionId: 42, attempt: 1, stream: "log" };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "log-store-"));
  store = new LogStore({ folder });
  leave = new AbortController();
  final = new AbortController();
});

afterEach(async () => {
  const left = { files: openFilesIn(folder), watches: watchCount() };
  await rm(folder, { recursive: true });
  expect(left).toEqual({ files: [], watches: 0 });
});

const never = () => Promise.resolve(false);

function follow(options: Partial<FollowOptions> = {}): AsyncIterableIterator<Buffer> {
  return store.follow(ref, { from: 0, signal: leave.signal, finalSignal: final.signal, isFinal: never, ...options });
}

async function write(content: string | Uint8Array): Promise<void> {
  await store.ensureFile(ref);
  await appendFile(store.pathFor(ref), content);
}

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** A program that writes to the log (its `$0`), ended with the test at the latest. */
function writer(script: string): ChildProcess {
  const child = spawn("bash", ["-c", script, store.pathFor(ref)], { stdio: "ignore" });
  onTestFinished(() => void child.kill());
  return child;
}

/** Reads until so many bytes were seen. */
async function next(chunks: AsyncIterableIterator<Buffer>, length: number): Promise<string> {
  let seen = "";
  while (seen.length < length) {
    const { value } = (await chunks.next()) as { value: Buffer };
    seen += value.toString("latin1");
  }
  return seen;
}

describe("what a follower gets", () => {
  it("is every byte that another process writes, in order, from where it began", async () => {
    await write("0 already here\n");
    const script = 'for i in {1..3000}; do echo "$i line of the log"; ((i % 500)) || sleep 0.01; done >>"$0"';
    writer(script).once("exit", () => final.abort());
    const [whole, rest] = await Promise.all([all(follow()), all(follow({ from: 2 }))]);
    const written = await readFile(store.pathFor(ref));
    expect(written.toString().trimEnd().split("\n")).toHaveLength(3001);
    expect(whole.equals(written)).toBe(true);
    expect(rest.equals(written.subarray(2))).toBe(true);
  });

  it("is bytes, not text", async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 256));
    await write(bytes);
    final.abort();
    expect((await all(follow())).equals(bytes)).toBe(true);
  });

  it("comes in chunks of at most 64 KiB", async () => {
    await write(Buffer.alloc(200_000, "x"));
    final.abort();
    const lengths = [];
    for await (const chunk of follow()) lengths.push(chunk.length);
    expect(lengths).toEqual([65_536, 65_536, 65_536, 3_392]);
  });

  it("comes as soon as it is written, without the re-check or a question for each", async () => {
    let questions = 0;
    const chunks = follow({ isFinal: () => Promise.resolve((questions += 1) < 0) });
    await write("a\n");
    expect(await next(chunks, 2)).toBe("a\n");
    const started = performance.now();
    for (let line = 0; line < 20; line += 1) {
      const coming = next(chunks, 2);
      await write("b\n");
      expect(await coming).toBe("b\n");
    }
    expect(performance.now() - started).toBeLessThan(5000);
    expect(questions).toBeLessThan(10);
    await chunks.return?.();
  });

  it("includes what was written while it was busy with the chunk before", async () => {
    await write("one");
    const chunks = follow();
    expect(await next(chunks, 3)).toBe("one");
    await write("two");
    await write("three");
    expect(await next(chunks, 8)).toBe("twothree");
    await chunks.return?.();
  });

  it("begins at an offset that the log has not reached yet", async () => {
    await write("0123");
    const chunks = follow({ from: 6 });
    const coming = next(chunks, 2);
    await write("4567");
    expect(await coming).toBe("67");
    await chunks.return?.();
  });

  it("waits for a log that does not exist yet", async () => {
    const chunks = follow();
    const coming = next(chunks, 5);
    await write("hello");
    expect(await coming).toBe("hello");
    await chunks.return?.();
  });

  it.each([-1, 1.5, NaN])("cannot begin at %d", (from) => {
    expect(() => follow({ from })).toThrow(RangeError);
  });
});

describe("the end", () => {
  it("comes at once for a log that is final, with all of it", async () => {
    await write("done\n");
    expect((await all(follow({ isFinal: () => Promise.resolve(true), finalSignal: undefined }))).toString()).toBe(
      "done\n",
    );
  });

  it("comes at once where a final execution has no log, and makes none", async () => {
    expect((await all(follow({ isFinal: () => Promise.resolve(true) }))).length).toBe(0);
    expect(store.size(ref)).toBeNull();
  });

  it("includes what was written just before the log became final", async () => {
    const chunks = follow();
    const coming = all(chunks);
    await write("last words");
    final.abort();
    expect((await coming).toString()).toBe("last words");
  });

  it("includes what is written while the question is being answered", async () => {
    const isFinal = async () => {
      await write("written meanwhile");
      return true;
    };
    expect((await all(follow({ isFinal, finalSignal: undefined }))).toString()).toBe("written meanwhile");
  });

  it("is noticed by the signal within moments", async () => {
    const chunks = follow();
    await write("x");
    await next(chunks, 1);
    const ended = chunks.next();
    const started = performance.now();
    final.abort();
    expect((await ended).done).toBe(true);
    expect(performance.now() - started).toBeLessThan(800);
  });

  it("is noticed by a signal that came during the first question", async () => {
    const isFinal = () => {
      final.abort();
      return never();
    };
    const started = performance.now();
    expect((await all(follow({ isFinal }))).length).toBe(0);
    expect(performance.now() - started).toBeLessThan(800);
  });

  it("is noticed without any signal, even while something touches the log all the time", async () => {
    const child = writer('while :; do touch "$0"; sleep 0.02; done');
    await write("x");
    let answers = 0;
    const isFinal = () => Promise.resolve((answers += 1) === 2);
    expect((await all(follow({ isFinal, finalSignal: undefined }))).toString()).toBe("x");
    child.kill();
    await once(child, "exit"); // else it could make the removed file again
    expect(answers).toBe(2);
  });

  it("is an error if the question fails", async () => {
    const isFinal = () => Promise.reject(new Error("no database"));
    await expect(all(follow({ isFinal }))).rejects.toThrow("no database");
  });
});

describe("leaving", () => {
  it("ends quietly when the signal comes while it waits", async () => {
    await write("x");
    const chunks = follow();
    await next(chunks, 1);
    const waiting = chunks.next();
    expect([openFilesIn(folder).length, watchCount()]).toEqual([1, 1]);
    leave.abort();
    expect((await waiting).done).toBe(true);
  });

  it("ends quietly when the signal came before it began", async () => {
    await write("x");
    leave.abort();
    expect((await all(follow())).length).toBe(0);
  });

  it("ends when the reader leaves while it waits, without any signal", async () => {
    const chunks = follow();
    await write("x");
    await next(chunks, 1);
    const waiting = chunks.next();
    const started = performance.now();
    await chunks.return?.();
    expect((await waiting).done).toBe(true);
    expect(performance.now() - started).toBeLessThan(800);
  });

  it("ends when a loop over it is left", async () => {
    await write("x");
    for await (const chunk of follow()) {
      expect(chunk.toString()).toBe("x");
      break;
    }
  });

  it("ends when the stream made of it is destroyed", async () => {
    await write("x");
    const stream = Readable.from(follow());
    await once(stream, "data");
    stream.destroy();
    await once(stream, "close");
  });

  it("leaves no listener on the signals and no timer", async () => {
    const left = () => [
      getEventListeners(leave.signal, "abort").length,
      getEventListeners(final.signal, "abort").length,
      process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length,
    ];
    const [atLeave = 0, atFinal = 0, timers = 0] = left();
    await write("x");
    const chunks = follow();
    await next(chunks, 1);
    expect(left()).toEqual([atLeave + 1, atFinal + 1, timers + 1]);
    await chunks.return?.();
    expect(left()).toEqual([atLeave, atFinal, timers]);
  });
});

describe("a slow reader", () => {
  it("costs no memory, and gets everything in the end", async () => {
    await write("begin");
    const chunks = follow();
    await next(chunks, 5);
    const before = heldBuffers();
    await once(writer('head -c 50000000 /dev/zero >>"$0"'), "exit");
    expect(heldBuffers() - before).toBeLessThan(1_000_000);
    final.abort();
    let length = 0;
    for await (const chunk of chunks) length += chunk.length;
    expect(length).toBe(50_000_000);
  });

  it("may read a log to its end that was removed meanwhile", async () => {
    await write(Buffer.alloc(100_000, "x"));
    const chunks = follow();
    const first = await chunks.next();
    store.discard(ref.executionId, ref.attempt);
    final.abort();
    expect((first.value as Buffer).length + (await all(chunks)).length).toBe(100_000);
  });

  it("is not disturbed by another follower who leaves", async () => {
    await write("x");
    const [one, two] = [follow(), follow()];
    await Promise.all([next(one, 1), next(two, 1)]);
    await one.return?.();
    await writeFile(store.pathFor(ref), "xy");
    expect(await next(two, 1)).toBe("y");
    await two.return?.();
  });
});
