// Starts the real service for a test: port 0, folders of its own, a clock of its own, on either database.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { startApp as start, type App } from "../../src/app.js";
import { parseConfig, type Config } from "../../src/config.js";
import { makeLogger } from "../../src/handlers/logger.js";
import { ENDS_OF_EXECUTIONS } from "../../src/models/event.js";
import { BatchlineClient, type ExecutionView } from "../../src/sdk/client.js";
import { FakeClock } from "./fake-clock.js";
import { freshDatabase } from "./fresh-database.js";
import { EventWatch } from "./event-watch.js";

export const ADMIN_TOKEN = "test-token-test-token-test-token-test-token";

export interface TestApp {
  app: App;
  sdk: BatchlineClient;
  clock: FakeClock;
  events: EventWatch;
  config: Config;
  /** Waits until the execution has ended and gives it. */
  ended(execution: { id: number }): Promise<ExecutionView>;
  /** A bare request with the administrator's token. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Stops the service, as SIGTERM does, and starts another one on the same folders and database. */
  restart(changes?: Partial<Config>): Promise<TestApp>;
  /** Starts another service beside this one, on the same folders, database and clock; stopped with the test too. */
  another(): Promise<TestApp>;
  stop(): Promise<void>;
}

type Settings = Record<string, string>;

/** A service in a fresh folder on a fresh database; it and everything of it is gone when the test has finished. */
export async function startApp(settings: Settings = {}, clock = new FakeClock()): Promise<TestApp> {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-test-"));
  const database = await freshDatabase(folder);
  const config = parseConfig({
    PORT: "0",
    DATABASE_URL: database.url,
    UPLOADS_DIR: path.join(folder, "uploads"),
    LOGS_DIR: path.join(folder, "logs"),
    DATA_DIR: path.join(folder, "data"),
    CONCURRENCY: "2",
    MIN_INTERVAL: "1s",
    LOG_LEVEL: process.env["TEST_LOG"] ?? "silent",
    ADMIN_TOKEN,
    ...settings,
  });
  onTestFinished(async () => {
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });
  return launch(config, clock);
}

function withToken(given?: RequestInit["headers"]): Headers {
  const headers = new Headers(given);
  if (!headers.has("Authorization")) headers.set("Authorization", `Bearer ${ADMIN_TOKEN}`);
  return headers;
}

async function launch(config: Config, clock: FakeClock): Promise<TestApp> {
  const app = await start({ config, clock, logger: makeLogger(config.logLevel) });
  const events = new EventWatch(app.events);
  const sdk = new BatchlineClient({ url: app.url, token: ADMIN_TOKEN });
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    events.close();
    await app.stop();
  };
  onTestFinished(stop);
  return {
    app,
    sdk,
    clock,
    events,
    config,
    stop,
    ended: async ({ id }) => {
      await events.find((event) => ENDS_OF_EXECUTIONS.includes(event.kind) && event.subject.id === id);
      return sdk.executions.get(id);
    },
    request: (route, init = {}) => fetch(app.url + route, { ...init, headers: withToken(init.headers) }),
    restart: async (changes = {}) => {
      await stop();
      return launch({ ...config, ...changes }, clock);
    },
    another: () => launch(config, clock),
  };
}
