// Readers who are slow or read nothing: they hold up neither the script nor the others, and are told what they missed.
import { open } from "node:fs/promises";
import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { ServerSentEvent } from "../../src/models/server-sent-event.js";
import { ADMIN_TOKEN, startApp, type TestApp } from "../support/app.js";
import { heldBuffers } from "../support/held-buffers.js";
import { Gate } from "../support/gate.js";
import { PATIENCE } from "../support/patience.js";
import { openFilesIn } from "../support/process-traces.js";
import { scriptZip } from "../support/scripts.js";
import { Watching } from "../support/watching.js";

const FLOOD_BYTES = 60_000_000;
const MEGABYTE = 1024 * 1024;

interface Told {
  from: number;
  to: number;
}

async function flood(): Promise<{ app: TestApp; gate: Gate; id: number; url: string }> {
  const [app, gate] = [await startApp(), await Gate.make()];
  const script = await scriptZip("echo begin", gate.pass(), `yes 'a line of the flood' | head -c ${FLOOD_BYTES}`);
  await app.sdk.batches.create(script, { name: "flood" });
  const { id } = await app.sdk.batches.run("flood");
  await gate.arrival();
  return { app, gate, id, url: `${app.app.url}/api/v1/executions/${id}/stream` };
}

/** What a reader was told of, and what it was told that it missed: together everything, in order. */
function placesOf(events: ServerSentEvent[]): { told: number; missed: Told[] } {
  let at = 0;
  const missed: Told[] = [];
  for (const { event, data } of events) {
    const item = JSON.parse(data) as { offset: number; bytes: number } & Told;
    if (event === "output") {
      expect(item.offset).toBe(at);
      at += item.bytes;
    } else if (event === "skipped") {
      expect(item.from).toBe(at);
      at = item.to;
      missed.push({ from: item.from, to: item.to });
    }
  }
  return { told: at, missed };
}

const begun = (watching: Watching) => watching.until(() => watching.seen.some(({ event }) => event === "output"));

it(
  "are passed by while a script floods its log, and told which bytes they can fetch",
  { timeout: 60_000 },
  async () => {
    const { app, gate, id, url } = await flood();
    const [stalled, prompt] = [await Watching.open(url), await Watching.open(url)];
    await Promise.all([begun(stalled), begun(prompt)]);
    const before = heldBuffers();
    gate.open();
    await app.ended({ id });
    await prompt.rest();
    expect(heldBuffers() - before).toBeLessThan(16 * MEGABYTE);
    await stalled.rest();
    const size = "begin\n".length + FLOOD_BYTES;
    const log = await open(`${app.config.logsDir}/0/${id}-1.log`);
    onTestFinished(() => log.close());
    for (const watching of [stalled, prompt]) {
      const { told, missed } = placesOf(watching.seen);
      expect(told).toBe(size);
      expect(watching.seen.at(-1)?.event).toBe("end");
      for (const { to } of missed) {
        const { buffer } = await log.read(Buffer.alloc(1), 0, 1, to - 1);
        expect(buffer.toString()).toBe("\n");
      }
    }
    const [gap] = placesOf(stalled.seen).missed;
    expect(gap!.to - gap!.from).toBeGreaterThan(4 * MEGABYTE);
    const fetched = await app.request(`/api/v1/executions/${id}/log`, {
      headers: { Range: `bytes=${gap!.from}-${gap!.to - 1}` },
    });
    expect((await fetched.arrayBuffer()).byteLength).toBe(gap!.to - gap!.from);
  },
);

it(
  "get the whole backlog of a log that was long before they came, however slowly they read",
  { timeout: 60_000 },
  async () => {
    const { app, gate, id, url } = await flood();
    gate.open();
    await app.ended({ id });
    const late = await Watching.open(url);
    await late.rest();
    expect(placesOf(late.seen)).toEqual({ told: "begin\n".length + FLOOD_BYTES, missed: [] });
  },
);

it(
  "that never read at all, and break off in the middle of a frame, leave nothing behind",
  { timeout: 60_000 },
  async () => {
    const { app, gate, id, url } = await flood();
    const { hostname, port, pathname } = new URL(url);
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(Number(port), hostname).pause();
      socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`);
      return socket;
    });
    await expect.poll(() => openFilesIn(app.config.logsDir), PATIENCE).not.toEqual([]);
    gate.open();
    expect(await app.ended({ id })).toMatchObject({ status: "completed" });
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => openFilesIn(app.config.logsDir), PATIENCE).toEqual([]);
    await expect
      .poll(async () => {
        const seats = await Promise.all(
          Array.from({ length: 50 }, () => app.request(new URL(url).pathname, { method: "HEAD" })),
        );
        return seats.every(({ status }) => status === 200);
      }, PATIENCE)
      .toBe(true);
  },
);
