// The services under torture: several processes on one database and one set of folders, each of which may be killed.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { BatchlineClient } from "../../src/sdk/client.js";
import type { ServiceClock } from "./clock.js";
import type { Places } from "./facts.js";
import { signal } from "./processes.js";
import type { Product } from "./product.js";
import type { Random } from "./random.js";

const TOKEN = "torture-torture-torture-torture-torture";
/** A service that is told to stop ends within this, else something is wrong with it. */
const STOP_PATIENCE_MS = 20_000;

export interface FleetOptions {
  product: Product;
  places: Places;
  databaseUrl: string;
  /** How many service processes. */
  size: number;
  concurrency: number;
  clock: ServiceClock;
  random: Random;
}

interface Service {
  process: ChildProcess;
  pid: number;
  /** null until it is ready. */
  sdk: BatchlineClient | null;
  /** Sent SIGSTOP. */
  frozen: boolean;
}

export class Fleet {
  private readonly services = new Set<Service>();
  private readonly log: WriteStream;
  private readonly random: Random;
  private closing = false;

  constructor(private readonly options: FleetOptions) {
    this.random = options.random.fork();
    this.log = createWriteStream(path.join(options.places.folder, "services.log"));
  }

  /** Starts all of them, one after the other; rejects if one does not get ready. */
  async start(): Promise<void> {
    for (let i = 0; i < this.options.size; i++) await this.ready(this.launch());
  }

  /** A client of a service that is ready, and not frozen as far as we know; waits for one. */
  async sdk(): Promise<BatchlineClient> {
    for (;;) {
      const able = [...this.services].flatMap(({ sdk, frozen }) => (sdk && !frozen ? [sdk] : []));
      const sdk = this.random.pick(able);
      if (sdk) return sdk;
      if (this.closing) throw new Error("The services are being stopped.");
      await pause(20);
    }
  }

  /** Ends a random service by this signal and has another one in its place `afterMs` later. */
  async replaceOne(by: "SIGKILL" | "SIGTERM", afterMs: number): Promise<void> {
    const service = this.random.pick([...this.services]);
    if (!service) return;
    service.frozen = false;
    await this.end(service, by);
    await pause(afterMs);
    if (!this.closing) this.launch();
  }

  /** Freezes a random service for a time. */
  async freezeOne(forMs: number): Promise<void> {
    const service = this.random.pick([...this.services].filter(({ sdk, frozen }) => sdk && !frozen));
    if (!service) return;
    service.frozen = true;
    signal(service.pid, "SIGSTOP");
    await pause(forMs);
    signal(service.pid, "SIGCONT");
    service.frozen = false;
  }

  /** Waits until all of them are there and ready. */
  async whole(): Promise<void> {
    while (this.services.size < this.options.size) await pause(20);
    for (const service of this.services) await this.ready(service);
  }

  /** Ends all: politely, and by force what does not end of itself. */
  async stop(): Promise<void> {
    this.closing = true;
    await Promise.all([...this.services].map((service) => this.end(service, "SIGTERM")));
    this.log.end();
  }

  private launch(): Service {
    const { product, places } = this.options;
    const child = spawn(process.execPath, product.args, {
      cwd: places.folder,
      env: this.environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const service: Service = { process: child, pid: child.pid ?? 0, sdk: null, frozen: false };
    this.services.add(service);
    child.stderr.on("data", (chunk: Buffer) => this.log.write(chunk));
    createInterface(child.stdout).on("line", (line) => {
      this.log.write(`${service.pid} ${line}\n`);
      const url = /"url":"([^"]+)"/.exec(line)?.[1];
      if (url !== undefined) service.sdk ??= new BatchlineClient({ url, token: TOKEN });
    });
    child.once("exit", () => {
      this.services.delete(service);
      this.options.clock.cleanUpAfter(service.pid);
    });
    return service;
  }

  private environment(): NodeJS.ProcessEnv {
    const { places, databaseUrl, concurrency, clock } = this.options;
    return {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      PORT: "0",
      DATABASE_URL: databaseUrl,
      UPLOADS_DIR: places.uploads,
      LOGS_DIR: places.logs,
      DATA_DIR: places.data,
      CONCURRENCY: String(concurrency),
      MIN_INTERVAL: "1s",
      LOG_LEVEL: "info",
      ADMIN_TOKEN: TOKEN,
      ...clock.environment(),
    };
  }

  private async ready(service: Service): Promise<void> {
    while (!service.sdk && this.services.has(service)) await pause(20);
    if (!service.sdk) throw new Error("A service ended before it was ready; services.log says why.");
  }

  private async end(service: Service, by: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (!this.services.has(service)) return;
    const ended = once(service.process, "exit");
    const force = setTimeout(() => signal(service.pid, "SIGKILL"), STOP_PATIENCE_MS);
    signal(service.pid, by);
    signal(service.pid, "SIGCONT");
    await ended;
    clearTimeout(force);
  }
}
