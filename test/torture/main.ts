// The torture suite's command: `npm run test:torture -- [--minutes 10] [--seed N] [--only WORD] [--mutants | --uploads KILLS]`.
// WORD: `sqlite`, `mariadb`, or part of a mutant's name.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { FURIOUS } from "./chaos.js";
import { findFaketime } from "./clock.js";
import { startMariaDb } from "./mariadb.js";
import { MUTANTS } from "./mutants.js";
import { Random } from "./random.js";
import { endAllIn } from "./processes.js";
import { details, table } from "./report.js";
import { DELAYS, torture, type Verdict } from "./torture.js";
import { tortureUploads } from "./uploads.js";

const MUTANT_MS = 15_000;
const MUTANT_ROUNDS = 4;
const LAST_WORDS_MS = 300;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    only: { type: "string" },
    mutants: { type: "boolean", default: false },
    uploads: { type: "string" },
  },
});

const folder = mkdtempSync(path.join(tmpdir(), "batchline-torture-"));
const seed = Number(values.seed);
console.log(`seed ${seed}, everything in ${folder}`);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void giveUp());

try {
  const wanted = values.uploads === undefined ? (values.mutants ? tortureMutants : tortureProduct) : killUploads;
  const good = await wanted(findFaketime());
  if (good) rmSync(folder, { recursive: true });
  else console.log(`The folder is kept: ${folder}`);
  process.exitCode = good ? 0 : 1;
} catch (error) {
  console.error(error);
  console.log(`The folder is kept: ${folder}`);
  process.exitCode = 1;
}

/** Leaves at once, but nothing running: MariaDB ends with us. */
async function giveUp(): Promise<void> {
  await endAllIn(folder);
  await pause(LAST_WORDS_MS); // the fleet hears of the ends, and cleans up after each
  rmSync(folder, { recursive: true, force: true });
  process.exit(130);
}

/** Half of the time on SQLite, half on MariaDB. True if there was no fault. */
async function tortureProduct(faketime: string | null): Promise<boolean> {
  const names = ["sqlite", "mariadb"].filter((name) => values.only === undefined || values.only === name);
  const stormMs = (Number(values.minutes) * 60_000) / names.length;
  const verdicts: Verdict[] = [];
  for (const name of names) {
    const server = name === "mariadb" ? await startMariaDb() : null;
    try {
      const verdict = await torture({
        name,
        faketime,
        folder: path.join(folder, name),
        databaseUrl: server?.url ?? null,
        stormMs,
        seed,
        temper: FURIOUS,
        delays: DELAYS,
      });
      verdicts.push(verdict);
      const words = details(verdict);
      if (words !== "") console.log(words);
    } finally {
      await server?.stop();
    }
  }
  console.log(`\n${table(verdicts)}\n`);
  return verdicts.every(({ findings }) => findings.faults.length === 0);
}

/** Kills services in the midst of uploads, on each database so often. True if there was no fault. */
async function killUploads(): Promise<boolean> {
  const kills = Number(values.uploads);
  let good = true;
  for (const name of ["sqlite", "mariadb"].filter((one) => values.only === undefined || values.only === one)) {
    const server = name === "mariadb" ? await startMariaDb() : null;
    try {
      const order = { kills, random: new Random(seed), databaseUrl: server?.url ?? null };
      const { faults, ...counts } = await tortureUploads(path.join(folder, name), order);
      console.log(`${name}: ${JSON.stringify(counts)}, ${faults.length} faults`);
      for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
      good &&= faults.length === 0;
    } finally {
      await server?.stop();
    }
  }
  return good;
}

/** True if each mutant was caught. */
async function tortureMutants(faketime: string | null): Promise<boolean> {
  const random = new Random(seed);
  let allCaught = true;
  for (const mutant of MUTANTS.filter(({ name }) => name.includes(values.only ?? ""))) {
    let caught = "";
    for (let round = 1; round <= MUTANT_ROUNDS && caught === ""; round++) {
      const { findings } = await torture({
        ...mutant,
        faketime,
        folder: path.join(folder, `${mutant.name.replaceAll(" ", "-")}-${round}`),
        databaseUrl: null,
        stormMs: MUTANT_MS,
        seed: Math.floor(random.next() * 1e9),
      });
      const proof = findings.faults.find(({ kind }) => mutant.caughtBy.includes(kind));
      if (proof) caught = `caught in round ${round} by ${proof.kind}: ${proof.text}`;
    }
    console.log(`mutant "${mutant.name}": ${caught === "" ? "NOT CAUGHT" : caught}`);
    allCaught &&= caught !== "";
  }
  return allCaught;
}
