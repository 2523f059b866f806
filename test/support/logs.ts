// Executions with a log of any bytes, and the files that their logs are in.
import path from "node:path";
import type { ExecutionView } from "../../src/sdk/client.js";
import type { TestApp } from "./app.js";
import { bytesOf } from "./uploads.js";
import { zipOf } from "./zips.js";

/** Uploads a batch that prints these bytes, `errors` on standard error, and runs it to its end. */
export async function printed(
  app: TestApp,
  bytes: Buffer | string,
  { errors = "", name = "printer" }: { errors?: string; name?: string } = {},
): Promise<ExecutionView> {
  const zip = await zipOf({ "script.sh": "cat bytes\ncat errors >&2\n", bytes, errors });
  await app.sdk.batches.create(bytesOf(zip), { name });
  return app.ended(await app.sdk.batches.run(name));
}

/** Where the log of an execution's first attempt is. */
export function logFile({ config }: TestApp, { id }: { id: number }): string {
  return path.join(config.logsDir, String(Math.floor(id / 1000)), `${id}-1.log`);
}
