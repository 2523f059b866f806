// `npm run demo`: starts the service in a folder of its own, uploads two real chains over HTTP, runs them, prints every
// execution with its log, and keeps serving until interrupted (`npm run demo -- --exit` ends instead).
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import AdmZip from "adm-zip";
import { isFinal } from "../src/models/status.js";
import { BatchlineClient, type Archive, type BatchConfigInput, type ExecutionView } from "../src/sdk/client.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PREFERRED_PORT = 8080;
const SHOWN_LINES = 12;

/** The usual port, or any free one if that is taken. */
async function freePort(): Promise<number> {
  for (const port of [PREFERRED_PORT, 0]) {
    const server = createServer();
    const listening = once(server, "listening").catch(() => null);
    server.listen(port, "127.0.0.1");
    if (!(await listening)) continue;
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (address && typeof address === "object") return address.port;
  }
  throw new Error("No port could be had on 127.0.0.1.");
}

/** Starts the built service as its own process, as `npm start` does, and waits until it is ready. */
async function startService(folder: string, token: string): Promise<{ service: ChildProcess; url: string }> {
  const service = spawn(process.execPath, [path.join(ROOT, "dist/src/main.js")], {
    cwd: folder,
    // Nothing of ours but what a program needs: a DATA_DIR of the real service must not be used, nor its database.
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      LANG: process.env["LANG"],
      PORT: String(await freePort()),
      DATABASE_URL: "sqlite:data/batchline.sqlite",
      ADMIN_TOKEN: token,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: service.stdout })) {
    const url = /"url":"([^"]+)"/.exec(line)?.[1];
    if (url !== undefined) {
      service.stdout.resume();
      return { service, url };
    }
  }
  throw new Error("The service ended before it was ready.");
}

/** Zips each folder of an example: the archive is named after it, as the configs' `script` says. */
async function archivesOf(example: string): Promise<Record<string, Archive>> {
  const archives: Record<string, Archive> = {};
  for (const entry of await readdir(example, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const zip = new AdmZip();
    zip.addLocalFolder(path.join(example, entry.name));
    archives[`${entry.name}.zip`] = new Uint8Array(zip.toBuffer());
  }
  return archives;
}

/** Uploads an example's chain, runs it from its head, and waits until all of it has ended. */
async function runExample(sdk: BatchlineClient, name: string): Promise<ExecutionView[]> {
  const example = path.join(ROOT, "examples", name);
  const configs = JSON.parse(await readFile(path.join(example, "config.json"), "utf8")) as BatchConfigInput[];
  const { batches } = await sdk.chains.create(await archivesOf(example), configs);
  console.log(`\n== ${name}: uploaded ${batches.map((batch) => batch.name).join(" -> ")}`);
  const [head] = batches;
  if (head?.schedule) console.log(`   scheduled: ${head.schedule.words}; next run ${head.nextRuns[0] ?? "never"}`);
  const { chainRunId } = await sdk.batches.run(head?.id ?? 0, { successors: true });
  for (;;) {
    const { items } = await sdk.executions.list({ chainRun: chainRunId ?? 0 });
    if (items.length === batches.length && items.every(({ status }) => isFinal(status))) return items.reverse();
    await delay(100);
  }
}

function shorten(text: string, hint: string): string {
  const lines = text.trimEnd().split("\n");
  const shown = lines.slice(0, SHOWN_LINES).map((line) => `   | ${line.slice(0, 150)}`);
  if (lines.length > SHOWN_LINES) shown.push(`   | ... ${lines.length - SHOWN_LINES} more lines: ${hint}`);
  return shown.join("\n");
}

async function print(sdk: BatchlineClient, execution: ExecutionView, url: string): Promise<void> {
  const { id, batchName, status, exitCode, durationMs, reason, log, errorLog, links } = execution;
  const facts = durationMs === null ? "" : ` (exit code ${exitCode ?? "-"}, ${durationMs} ms)`;
  console.log(`\n-- execution ${id}, ${batchName}: ${status.toUpperCase()}${facts}`);
  if (reason) console.log(`   ${reason.text}`);
  if (log && log.bytes > 0) console.log(shorten(await sdk.executions.log(id), `${url}${links.log}`));
  if (errorLog && errorLog.bytes > 0) {
    console.log(
      `   on standard error:\n${shorten(await sdk.executions.errorLog(id), `${url}${links.errorLog ?? ""}`)}`,
    );
  }
}

/** From the start, and not once: Ctrl-C comes twice under npm, and nothing may be left behind whenever it comes. */
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve());
});

const folder = await mkdtemp(path.join(tmpdir(), "batchline-demo-"));
const token = randomBytes(32).toString("base64url");
let service: ChildProcess | undefined;
try {
  const started = await startService(folder, token);
  service = started.service;
  const { url } = started;
  console.log(`Batchline serves on ${url}, on an embedded database in ${folder}`);
  const sdk = new BatchlineClient({ url, token });
  const executions = [...(await runExample(sdk, "access-log")), ...(await runExample(sdk, "failing-chain"))];
  for (const execution of executions) await print(sdk, execution, url);

  const report = executions.find(({ batchName }) => batchName === "render-report");
  if (report) {
    const file = path.join(folder, "report.html");
    await writeFile(file, await sdk.executions.log(report.id));
    console.log(`\nThe report of the first chain, as a page: ${file}`);
  }
  console.log(`\nThe service:  ${url}       its API in your browser: ${url}/api/docs`);
  console.log(`The way in:   curl -H 'Authorization: Bearer ${token}' ${url}/api/v1/executions`);
  if (!process.argv.includes("--exit")) {
    console.log("Serving until you press Ctrl-C; then everything of the demo is removed.");
    await Promise.race([interrupted, once(service, "exit")]);
  }
} finally {
  if (service?.exitCode === null) {
    service.kill("SIGTERM");
    await once(service, "exit");
  }
  await rm(folder, { recursive: true, force: true });
}
