// The built service as its own process in a folder of its own, and a lean client of it.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { BatchlineClient, type BatchConfigInput, type ExecutionView } from "../src/sdk/client.js";
import { zipOf } from "../test/support/zips.js";
import { peakMb, residentMb } from "./processes.js";

/** The administrator's, of every service that is measured. */
export const TOKEN = "bench-bench-bench-bench-bench-bench-bench";
const PROBE = fileURLToPath(new URL("./probe.mjs", import.meta.url));
/** Asking costs the service as much as a run does, so not too often; it adds at most so much to a measurement. */
const POLL_MS = 20;

/** What the probe answers, by question; see probe.mjs. */
export interface ProbeAnswers {
  watch: null;
  turns: { p50: number; p99: number; max: number };
  heap: number;
}

export interface Service {
  url: string;
  folder: string;
  pid: number;
  /** From its spawn to the first "ready" of /health/ready, in ms. */
  readyMs: number;
  sdk: BatchlineClient;
  /** Sends a request over a kept connection; rejects unless it succeeds. */
  call(method: string, route: string, body?: string): Promise<string>;
  /** Asks the probe, of a service that was started with one. */
  ask<Question extends keyof ProbeAnswers>(question: Question): Promise<ProbeAnswers[Question]>;
  /** Resident memory in MB. */
  memory(): number;
  /** The most resident memory so far, in MB. */
  peakMemory(): number;
  stop(): Promise<void>;
}

/** What must not outlive the bench, however it ends. */
const remains: (() => void)[] = [];
process.once("exit", () => {
  for (const clear of remains.reverse()) clear();
});

/** @param probe true: the service can be asked about itself; it costs nothing unless asked */
export async function startService(
  settings: Record<string, string> = {},
  { folder = newFolder(), probe = false } = {},
): Promise<Service> {
  const started = performance.now();
  const service = spawn(process.execPath, [...(probe ? ["--import", PROBE] : []), path.resolve("dist/src/main.js")], {
    cwd: folder,
    env: { ...process.env, PORT: "0", ADMIN_TOKEN: TOKEN, ...settings },
    stdio: ["ignore", "pipe", "inherit", ...(probe ? (["ipc"] as const) : [])],
  });
  remains.push(() => service.kill("SIGKILL"));
  const url = await listeningAt(service);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  await call(`${url}/health/ready`, "GET", agent);
  const readyMs = performance.now() - started;
  const pid = service.pid ?? 0;
  return {
    ...{ url, folder, pid, readyMs },
    sdk: new BatchlineClient({ url, token: TOKEN }),
    call: (method, route, body) => call(url + route, method, agent, body),
    ask: async <Question extends keyof ProbeAnswers>(question: Question) => {
      service.send(question);
      const [answer] = (await once(service, "message")) as [ProbeAnswers[Question]];
      return answer;
    },
    memory: () => residentMb(pid),
    peakMemory: () => peakMb(pid),
    stop: async () => {
      agent.destroy();
      service.kill("SIGTERM");
      if (service.exitCode === null) await once(service, "exit");
    },
  };
}

export function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "batchline-bench-"));
  remains.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Uploads a batch of one script. */
export async function uploadScript(service: Service, script: string, config: BatchConfigInput): Promise<void> {
  await service.sdk.batches.create(new Uint8Array(await zipOf({ "script.sh": script })), config);
}

const UNFINISHED = "queued,waiting,running,stopping";

/** Waits until every execution has ended. */
export async function idle(service: Service): Promise<void> {
  for (;;) {
    const { items } = await service.sdk.executions.list({ status: UNFINISHED, limit: 1 });
    if (items.length === 0) return;
    await delay(POLL_MS);
  }
}

/** Runs a batch once. @throws Error if it does not complete */
export async function runOnce(service: Service, batch: string): Promise<ExecutionView> {
  const { id } = await service.sdk.batches.run(batch);
  await idle(service);
  const execution = await service.sdk.executions.get(id);
  if (execution.status !== "completed") throw new Error(`${batch} ended as ${execution.status}`);
  return execution;
}

async function listeningAt(service: ChildProcess): Promise<string> {
  if (!service.stdout) throw new Error("no output");
  for await (const line of createInterface({ input: service.stdout })) {
    const url = /"url":"([^"]+)"/.exec(line)?.[1];
    if (url === undefined) continue;
    service.stdout.resume();
    return url;
  }
  throw new Error("The service did not start.");
}

function call(url: string, method: string, agent: Agent, body = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${TOKEN}`,
      "Content-Type": "application/json",
      "Content-Length": body.length,
    };
    const outgoing = request(url, { method, agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if ((answer.statusCode ?? 500) < 300) resolve(text);
        else reject(new Error(text));
      });
    });
    outgoing.on("error", reject).end(body);
  });
}
