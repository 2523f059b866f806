// The built service as its own process in a folder of its own, and a lean client of it.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { BatchlineClient } from "../src/sdk/client.js";

const TOKEN = "bench-bench-bench-bench-bench-bench-bench";

export interface Service {
  url: string;
  folder: string;
  sdk: BatchlineClient;
  /** Sends a request over a kept connection; rejects unless it succeeds. */
  call(method: string, route: string, body?: string): Promise<string>;
  /** Resident memory in MB. */
  memory(): number;
  stop(): Promise<void>;
}

export async function startService(settings: Record<string, string>, folder = newFolder()): Promise<Service> {
  const service = spawn(process.execPath, [path.resolve("dist/src/main.js")], {
    cwd: folder,
    env: { ...process.env, PORT: "0", ADMIN_TOKEN: TOKEN, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await readyAt(service);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    url,
    folder,
    sdk: new BatchlineClient({ url, token: TOKEN }),
    call: (method, route, body) => call(url + route, method, agent, body),
    memory: () => memoryOf(service.pid ?? 0),
    stop: async () => {
      agent.destroy();
      service.kill("SIGTERM");
      if (service.exitCode === null) await once(service, "exit");
    },
  };
}

export function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "batchline-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function readyAt(service: ChildProcess): Promise<string> {
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

export function memoryOf(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}
