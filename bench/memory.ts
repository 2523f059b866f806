// Memory: what a schedule costs that only waits, and what a script costs that runs.
import { setTimeout as delay } from "node:timers/promises";
import { addSchedules, IDLE, makeOriginal } from "./copies.js";
import { processesIn, proportionalMb, type Process } from "./processes.js";
import { counted, scaled } from "./scale.js";
import { idle, startService, uploadScript, type Service } from "./service.js";
import { round, table } from "./statistics.js";

const SCHEDULES = scaled(100_000);
const SCRIPTS = scaled(30);
/** Ends by itself in any case, long after it was measured. */
const SCRIPT = "sleep 120\n";
const POLL_MS = 50;
/** The runner hands the output of a long run to other processes, and the kernel settles what is shared. */
const SETTLE_MS = 1000;

export async function memory(): Promise<void> {
  await perSchedule();
  await perScript();
}

/** In MB; garbage is collected first. */
async function memoryOfServiceIn(folder: string): Promise<{ heap: number; resident: number }> {
  const service = await startService({}, { folder, probe: true });
  const heap = await service.ask("heap");
  const resident = service.memory();
  await service.stop();
  return { heap, resident };
}

async function perSchedule(): Promise<void> {
  const folder = await makeOriginal("echo hello\n");
  const without = await memoryOfServiceIn(folder);
  await addSchedules(folder, SCHEDULES, IDLE);
  const withThem = await memoryOfServiceIn(folder);
  const each = (key: "heap" | "resident") => `${round(((withThem[key] - without[key]) * 1024 ** 2) / SCHEDULES)} B`;
  console.log("## Memory per idle schedule (the service has just started; garbage collected)\n");
  table(
    ["schedules", "RSS MB", "heap MB"],
    [
      ["1", round(without.resident, 1), round(without.heap, 1)],
      [counted(SCHEDULES), round(withThem.resident, 1), round(withThem.heap, 1)],
      ["each", each("resident"), each("heap")],
    ],
  );
}

const KINDS = ["service", "worker", "drain", "remover", "script"] as const;
type Kind = (typeof KINDS)[number];

function kindOf({ pid, command }: Process, service: Service): Kind {
  if (pid === service.pid) return "service";
  if (command.some((word) => word.endsWith("/worker.sh"))) return "worker";
  if (command.some((word) => word.endsWith("/remover.sh"))) return "remover";
  return command[0] === "tee" ? "drain" : "script";
}

interface Share {
  count: number;
  megabytes: number;
}

/** All processes of a service by kind; each page that several share is counted once in all. */
async function sharesOf(service: Service): Promise<Record<Kind, Share>> {
  await service.ask("heap"); // for its collection of garbage
  const processes = processesIn(service.folder).map((process) => ({
    kind: kindOf(process, service),
    megabytes: proportionalMb(process.pid),
  }));
  const shareOf = (kind: Kind): Share => {
    const members = processes.filter((process) => process.kind === kind);
    return { count: members.length, megabytes: members.reduce((sum, { megabytes }) => sum + megabytes, 0) };
  };
  return Object.fromEntries(KINDS.map((kind) => [kind, shareOf(kind)])) as Record<Kind, Share>;
}

async function perScript(): Promise<void> {
  const service = await startService({ CONCURRENCY: String(SCRIPTS) }, { probe: true });
  await uploadScript(service, SCRIPT, { name: "sleeper", overlap: "allow", killAfter: "1s" });
  await delay(SETTLE_MS);
  const before = await sharesOf(service);
  const ids = await Promise.all(
    Array.from({ length: SCRIPTS }, async () => (await service.sdk.batches.run("sleeper")).id),
  );
  const sleepers = () => processesIn(service.folder).filter(({ command }) => command[0] === "sleep").length;
  while (sleepers() < SCRIPTS) await delay(POLL_MS);
  await delay(SETTLE_MS);
  const during = await sharesOf(service);
  for (const id of ids) await service.sdk.executions.cancel(id);
  await idle(service);
  while (sleepers() > 0) await delay(POLL_MS);
  await service.stop();
  printScripts(before, during);
}

function printScripts(before: Record<Kind, Share>, during: Record<Kind, Share>): void {
  const rowOf = (name: string, kinds: Kind[]): string[] => {
    const total = (shares: Record<Kind, Share>, key: keyof Share) =>
      kinds.reduce((sum, kind) => sum + shares[kind][key], 0);
    const [idleMb, runningMb] = [total(before, "megabytes"), total(during, "megabytes")];
    return [
      name,
      String(total(during, "count")),
      round(idleMb, 1),
      round(runningMb, 1),
      round((runningMb - idleMb) / SCRIPTS, 2),
    ];
  };
  console.log(`## Memory per running script (${SCRIPTS} of \`sleep\` at once; PSS)\n`);
  table(
    ["", "processes", "idle: MB in all", "running: MB in all", "growth per script: MB"],
    [
      rowOf("workers", ["worker"]),
      rowOf("drains", ["drain"]),
      rowOf("scripts: bash and sleep", ["script"]),
      rowOf("all three", ["worker", "drain", "script"]),
      rowOf("the service itself, apart", ["service"]),
    ],
  );
}
