// Uploads under SIGKILL: the built service is killed at random moments of uploads and started again; then every artifact on
// disk must have its row and every row its artifact, whole, and what was promised must be there.
import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { makeDataSource } from "../../src/database/data-source.js";
import { Artifact } from "../../src/entities/artifact.js";
import { BatchlineClient } from "../../src/sdk/client.js";
import { zipOf } from "../support/zips.js";
import type { Random } from "./random.js";

const TOKEN = "torture-torture-torture-torture-torture";
const MAIN = path.resolve(import.meta.dirname, "../../dist/src/main.js");
/** Two uploads of ours at once take about so long, from the first byte to the last answer. */
const UPLOAD_MS = 250;
const KEY = /^\d{8}-\d{6}-[0-9a-f]{8}$/;

/** What a run of the torture has come to. */
export interface UploadVerdict {
  kills: number;
  /** Uploads that were answered with success before the kill. */
  answered: number;
  /** Versions that there are in the end. */
  kept: number;
  /** Kills after which something lay there that had to be swept: in staging, or an artifact without a row. */
  swept: number;
  faults: string[];
}

/** The service that must not outlive us. */
let living: ChildProcess | null = null;
process.once("exit", () => living?.kill("SIGKILL"));

interface Service {
  child: ChildProcess;
  sdk: BatchlineClient;
}

/** Kills the service `kills` times. @param databaseUrl null: an SQLite file in the folder */
export async function tortureUploads(
  folder: string,
  { kills, random, databaseUrl }: { kills: number; random: Random; databaseUrl: string | null },
): Promise<UploadVerdict> {
  mkdirSync(folder, { recursive: true });
  const place = { folder, databaseUrl: databaseUrl ?? `sqlite:${path.join(folder, "batchline.sqlite")}` };
  const verdict: UploadVerdict = { kills, answered: 0, kept: 0, swept: 0, faults: [] };
  const promised = new Set<string>();
  let service = await start(place);
  await service.sdk.batches.create(await archive(1024, 1), { name: "versioned" });
  for (let kill = 1; kill <= kills; kill++) {
    const uploads = [0, 1].map((i) => upload(service.sdk, `batch ${kill} ${i}`, random));
    const answers = Promise.allSettled(uploads);
    await pause(random.next() * UPLOAD_MS);
    service.child.kill("SIGKILL");
    await once(service.child, "exit");
    for (const answer of await answers) if (answer.status === "fulfilled") promised.add(answer.value);
    const before = leftBehind(place.folder);
    const rows = new Set((await artifactsOf(place.databaseUrl)).map(({ storageKey }) => storageKey));
    if (before.staging > 0 || before.keys.some((key) => !rows.has(key))) verdict.swept += 1;
    service = await start(place);
    verdict.faults.push(...(await audit(place, promised)).map((fault) => `after kill ${kill}: ${fault}`));
  }
  service.child.kill("SIGTERM");
  await once(service.child, "exit");
  verdict.answered = promised.size;
  verdict.kept = (await artifactsOf(place.databaseUrl)).length;
  return verdict;
}

/** Sends one upload of a random kind and size. Gives the digest of its archive once it was answered with success. */
async function upload(sdk: BatchlineClient, name: string, random: Random): Promise<string> {
  const zip = await archive(2 ** (11 + random.next() * 10.5), Math.ceil(random.next() * 60));
  const kind = random.next();
  if (kind < 0.4) await sdk.batches.create(zip, { name });
  else if (kind < 0.8) await sdk.versions.create("versioned", zip);
  else await sdk.chains.create({ "a.zip": zip, "b.zip": await archive(4096, 2) }, chainOf(name));
  return createHash("sha256").update(zip).digest("hex");
}

function chainOf(name: string) {
  return ["a", "b"].map((script) => ({ name: `${name} ${script}`, script }));
}

/** About so many bytes of noise beside a script, in so many files. */
async function archive(bytes: number, files: number): Promise<Uint8Array<ArrayBuffer>> {
  const each = Array.from({ length: files }, (_, i) => [`data/${i}`, randomBytes(Math.ceil(bytes / files))] as const);
  return new Uint8Array(await zipOf({ "script.sh": "echo hello\n", ...Object.fromEntries(each) }));
}

interface Place {
  folder: string;
  databaseUrl: string;
}

async function start({ folder, databaseUrl }: Place): Promise<Service> {
  const env = { PATH: process.env["PATH"], HOME: folder, PORT: "0", DATABASE_URL: databaseUrl, ADMIN_TOKEN: TOKEN };
  const child = spawn(process.execPath, [MAIN], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  living = child;
  for await (const line of createInterface(child.stdout)) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url === undefined) continue;
    child.stdout.resume();
    return { child, sdk: new BatchlineClient({ url, token: TOKEN }) };
  }
  throw new Error("The service ended before it was ready.");
}

function leftBehind(folder: string): { staging: number; keys: string[] } {
  const names = readdirSync(path.join(folder, "uploads"));
  const staging = readdirSync(path.join(folder, "uploads", ".staging")).length;
  return { staging, keys: names.filter((name) => KEY.test(name)) };
}

async function artifactsOf(databaseUrl: string): Promise<Artifact[]> {
  const source = makeDataSource(databaseUrl);
  await source.initialize();
  try {
    return await source.manager.find(Artifact);
  } finally {
    await source.destroy();
  }
}

/** Everything that does not agree. */
async function audit({ folder, databaseUrl }: Place, promised: ReadonlySet<string>): Promise<string[]> {
  const { staging, keys } = leftBehind(folder);
  const rows = await artifactsOf(databaseUrl);
  const known = new Set(rows.map(({ storageKey }) => storageKey));
  const digests = new Set(rows.map(({ sha256 }) => sha256));
  return [
    ...(staging > 0 ? [`${staging} things are left in staging`] : []),
    ...keys.filter((key) => !known.has(key)).map((key) => `artifact ${key} has no row`),
    ...rows.flatMap((row) => faultsOf(path.join(folder, "uploads", row.storageKey), row)),
    ...[...promised]
      .filter((sha256) => !digests.has(sha256))
      .map((sha256) => `upload ${sha256} was answered and is gone`),
  ];
}

function faultsOf(place: string, { id, sha256, fileCount }: Artifact): string[] {
  try {
    const digest = createHash("sha256")
      .update(readFileSync(path.join(place, "artifact.zip")))
      .digest("hex");
    const entries = readdirSync(path.join(place, "files"), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).length;
    if (digest === sha256 && files === fileCount) return [];
    return [`row ${id}: its zip or its files are not whole`];
  } catch {
    return [`row ${id} has no artifact`];
  }
}
