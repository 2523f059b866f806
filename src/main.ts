// The server process: reads the configuration, starts the service, stops it when asked to.
import { startApp } from "./app.js";
import { loadConfig } from "./config.js";
import { AppError } from "./errors.js";
import { makeLogger } from "./handlers/logger.js";

try {
  const config = loadConfig();
  const logger = makeLogger(config.logLevel);
  const app = await startApp({ config, logger });
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, "stopping; running scripts go on");
    await app.stop().catch((error: unknown) => logger.error({ err: error }, "not stopped cleanly"));
    process.exit(0);
  };
  // Not once: a terminal's Ctrl-C comes twice under npm, from the terminal and from npm.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop(signal));
  if (app.newToken !== null) {
    // Not through the server log, which may be kept: this line is all there will ever be of it.
    console.log(`\nThe administrator's token, shown this once:\n\n  ${app.newToken}\n`);
  }
  logger.info({ url: app.url, docs: `${app.url}/api/docs` }, "Batchline is ready");
} catch (error) {
  // A person can mend what an AppError says; anything else is a fault of ours, shown whole.
  console.error(error instanceof AppError ? error.message : error);
  process.exit(1);
}
