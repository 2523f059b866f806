// Archives of several sizes are uploaded, checked and unpacked, side by side with a server that only writes the bytes.
import { fork } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { ZipFile } from "yazl";
import { scaled } from "./scale.js";
import { newFolder, startService, TOKEN, type Service } from "./service.js";
import { median, round, table } from "./statistics.js";

/** Megabytes, and how often. */
const SIZES = [
  [1, 20],
  [100, 7],
  [500, 3],
] as const;
const FILES = 10;
const MB = 1024 ** 2;

export async function upload(): Promise<void> {
  const folder = newFolder();
  const sink = await startSink(folder);
  const rows: string[][] = [];
  for (const [megabytes, rounds] of SIZES) {
    const zip = await makeZip(path.join(folder, "upload.zip"), scaled(megabytes) * MB);
    rows.push(await measure(zip, sink.url, rounds));
  }
  sink.stop();
  console.log("## Uploads, checked, unpacked and brought to the disk, against a server that only writes the bytes\n");
  table(
    [
      "zip MB",
      "unpacked MB",
      "rounds",
      "raw sink: ms",
      "Batchline: ms",
      "ratio",
      "idle RSS MB",
      "peak above MB",
      "longest turn beside the sink: ms",
      "longest turn: ms",
    ],
    rows,
  );
}

interface Zip {
  file: string;
  bytes: number;
  unpackedBytes: number;
}

async function measure(zip: Zip, sinkUrl: string, rounds: number): Promise<string[]> {
  const service = await startService({ MAX_UPLOAD: "2G" }, { probe: true });
  await service.ask("heap"); // collects what starting left
  const idle = service.memory();
  const [raw, ours]: [Measured[], Measured[]] = [[], []];
  for (let i = 0; i < rounds; i++) {
    raw.push(await watched(service, () => send(sinkUrl, zip.file, {})));
    ours.push(await watched(service, () => uploadTo(service, zip.file)));
    await service.sdk.batches.remove("large");
  }
  const peak = service.peakMemory();
  await service.stop();
  const ratios = ours.map(({ ms }, i) => ms / (raw[i]?.ms ?? NaN));
  const middle = (all: Measured[]) => round(median(all.map(({ ms }) => ms)));
  const turns = (all: Measured[]) => {
    const longest = all.map(({ longestTurn }) => longestTurn);
    return `${round(median(longest), 1)} (${round(Math.max(...longest), 1)})`;
  };
  return [
    ...[zip.bytes / MB, zip.unpackedBytes / MB, rounds].map((value) => round(value)),
    ...[middle(raw), middle(ours), round(median(ratios), 2)],
    ...[idle, peak - idle].map((value) => round(value)),
    ...[turns(raw), turns(ours)],
  ];
}

interface Measured {
  ms: number;
  /** Of the service's event loop meanwhile, in ms. */
  longestTurn: number;
}

async function watched(service: Service, work: () => Promise<void>): Promise<Measured> {
  await service.ask("watch");
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  return { ms, longestTurn: (await service.ask("turns")).max };
}

async function uploadTo({ url }: Service, file: string): Promise<void> {
  const part = (rest: string) => `--cut\r\nContent-Disposition: form-data; name=${rest}\r\n\r\n`;
  await send(`${url}/api/v1/batches`, file, {
    type: "multipart/form-data; boundary=cut",
    before: `${part('"config"')}{"name":"large"}\r\n${part('"batch"; filename="large.zip"')}`,
    after: "\r\n--cut--\r\n",
  });
}

interface Wrapping {
  type?: string;
  before?: string;
  after?: string;
}

/** Sends a file from the page cache, as lean as can be, the same way to both. */
async function send(url: string, file: string, { type, before = "", after = "" }: Wrapping): Promise<void> {
  const bytes = before.length + statSync(file).size + after.length;
  const headers = {
    Authorization: `Bearer ${TOKEN}`,
    "Content-Type": type ?? "application/zip",
    "Content-Length": bytes,
  };
  const outgoing = request(url, { method: "POST", headers });
  const answered = once(outgoing, "response");
  outgoing.write(before);
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    if (!outgoing.write(chunk)) await once(outgoing, "drain");
  }
  outgoing.end(after);
  const [response] = (await answered) as [IncomingMessage];
  const answer = await Readable.from(response).toArray();
  if (response.statusCode !== 201) throw new Error(`${response.statusCode}: ${answer.join("")}`);
}

/** A script and ten files of half-random data, about as compressible as real files are: it is packed to half its size. */
async function makeZip(file: string, bytes: number): Promise<Zip> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from("set -euo pipefail\necho hello\n"), "script.sh");
  const unpackedBytes = 2 * bytes;
  for (let i = 0; i < FILES; i++) zip.addReadStream(halfRandom(unpackedBytes / FILES), `data/${i}.bin`);
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(file));
  return { file, bytes: statSync(file).size, unpackedBytes };
}

function halfRandom(bytes: number): Readable {
  function* pieces() {
    for (let left = Math.ceil(bytes); left > 0; left -= 8192) {
      const piece = Buffer.alloc(Math.min(8192, left));
      randomFillSync(piece, 0, piece.length / 2);
      yield piece;
    }
  }
  return Readable.from(pieces(), { objectMode: false });
}

async function startSink(folder: string): Promise<{ url: string; stop: () => void }> {
  const sink = fork(fileURLToPath(new URL("./sink.mjs", import.meta.url)), [folder], { execArgv: [] });
  const [port] = (await once(sink, "message")) as [number];
  return { url: `http://127.0.0.1:${port}`, stop: () => sink.disconnect() };
}
