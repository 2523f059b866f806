// How long the service takes to start, and what memory it then has, with much in its database.
import { addExecutions, addSchedules, IDLE, makeOriginal } from "./copies.js";
import { counted, scaled } from "./scale.js";
import { runOnce, startService } from "./service.js";
import { median, round, table } from "./statistics.js";

const SCHEDULES = scaled(100_000);
const EXECUTIONS = scaled(1_000_000);
const STARTS = 3;

/** Medians of several starts on the same folder. */
async function startsIn(folder: string): Promise<string[]> {
  const starts: { ready: number; resident: number; peak: number }[] = [];
  for (let i = 0; i < STARTS; i++) {
    const service = await startService({}, { folder });
    starts.push({ ready: service.readyMs, resident: service.memory(), peak: service.peakMemory() });
    await service.stop();
  }
  const middle = (key: "ready" | "resident" | "peak") => median(starts.map((start) => start[key]));
  return [round(middle("ready") / 1000, 2), round(middle("resident")), round(middle("peak"))];
}

export async function start(): Promise<void> {
  const folder = await makeOriginal("echo hello\n");
  const service = await startService({}, { folder });
  await runOnce(service, "original");
  await service.stop();
  const rows = [["one schedule, one execution", ...(await startsIn(folder))]];
  await addSchedules(folder, SCHEDULES, IDLE);
  rows.push([`${counted(SCHEDULES)} schedules`, ...(await startsIn(folder))]);
  await addExecutions(folder, EXECUTIONS);
  rows.push([`and ${counted(EXECUTIONS)} executions`, ...(await startsIn(folder))]);
  console.log(`## Start, from spawn to /health/ready (SQLite; medians of ${STARTS}, files in the page cache)\n`);
  table(["in the database", "seconds", "RSS MB when ready", "RSS peak MB"], rows);
}
