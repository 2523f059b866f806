// The service as a process of its own, which a test can kill. It has the system's clock.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import type { Config } from "../../src/config.js";
import { BatchlineClient } from "../../src/sdk/client.js";
import { ADMIN_TOKEN } from "./app.js";

export interface ServiceProcess {
  sdk: BatchlineClient;
  /** Ends it by this signal, and waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts `src/main.ts` on the folders and the database of a configuration; it is killed when the test has finished. */
export async function startServiceProcess(config: Config): Promise<ServiceProcess> {
  const service = spawn(process.execPath, ["--import", "./tools/typescript.mjs", "src/main.ts"], {
    env: environmentOf(config),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = (signal: NodeJS.Signals) => end(service, signal);
  onTestFinished(() => kill("SIGKILL"));
  return { sdk: new BatchlineClient({ url: await addressOf(service), token: ADMIN_TOKEN }), kill };
}

function environmentOf(config: Config): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    PORT: String(config.port),
    DATABASE_URL: config.databaseUrl,
    UPLOADS_DIR: config.uploadsDir,
    LOGS_DIR: config.logsDir,
    DATA_DIR: config.dataDir,
    CONCURRENCY: String(config.concurrency),
    MIN_INTERVAL: `${config.minIntervalMs}ms`,
    LOG_LEVEL: "info",
    ...(config.mail && { SMTP_URL: config.mail.smtpUrl, MAIL_FROM: config.mail.from.address }),
    ADMIN_TOKEN,
  };
}

/** Reads the server log up to the line that says where it listens. */
async function addressOf({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error("The service has no output to read.");
  for await (const line of createInterface(stdout)) {
    const { url } = JSON.parse(line) as { url?: string };
    // What it says from now on is read by nobody, but must not fill the pipe.
    if (url === undefined) continue;
    stdout.resume();
    return url;
  }
  throw new Error("The service ended before it was ready.");
}

async function end(service: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return;
  const ended = once(service, "exit");
  service.kill(signal);
  await ended;
}
