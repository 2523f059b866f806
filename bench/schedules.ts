// Ten thousand schedules: what it takes to register them, to find the next that is due, and to hold them.
import { copyBatch, makeOriginal, makeScheduler, openDatabase, type Plan } from "./copies.js";
import { counted, scaled } from "./scale.js";
import { round, table } from "./statistics.js";

const COUNT = scaled(10_000);

/** Different daily and yearly expressions. */
const planOf: Plan = (i) => {
  const daily = `${i % 60} ${(i >> 1) % 24} * * *`;
  const yearly = `${i % 60} ${i % 24} ${1 + (i % 28)} ${1 + (i % 12)} *`;
  return { kind: "cron", expression: i % 2 === 0 ? daily : yearly, onceAt: null };
};

function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1024 ** 2;
}

export async function schedules(): Promise<void> {
  const database = await openDatabase(await makeOriginal("echo hello\n"));
  const scheduler = makeScheduler(database);
  const before = heapMb();
  const started = performance.now();
  await copyBatch(database, scheduler, COUNT, planOf);
  const registered = performance.now() - started;
  const held = heapMb() - before;
  await scheduler.close();

  const again = makeScheduler(database);
  const lookStart = performance.now();
  await again.look();
  const looked = performance.now() - lookStart;
  await again.close();
  await database.close();
  console.log(`## ${counted(COUNT)} schedules (SQLite; daily and yearly expressions, Europe/Berlin)\n`);
  table(
    ["register, with the rows of batch, artifact and trigger: s", "find what is due next: ms", "heap held: MB"],
    [[round(registered / 1000, 2), round(looked), round(held, 1)]],
  );
}
