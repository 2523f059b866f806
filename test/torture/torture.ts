// One round of torture: a product, a database, a storm for so long, calm, and the auditor's verdict.
import { setMaxListeners } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { audit } from "./audit.js";
import { outputBytes } from "./behaviour.js";
import { Chaos, type Deeds, type Temper } from "./chaos.js";
import { ServiceClock } from "./clock.js";
import { Driver } from "./driver.js";
import { collectFacts, placesIn } from "./facts.js";
import type { Findings } from "./findings.js";
import { Fleet } from "./fleet.js";
import type { Delays } from "./instrument.js";
import { Journal } from "./journal.js";
import { endAllIn } from "./processes.js";
import { buildProduct, type Edit } from "./product.js";
import { Random } from "./random.js";
import { Recorder } from "./recorder.js";

export interface TortureOptions {
  name: string;
  /** Made by this; everything is inside. */
  folder: string;
  /** null: an SQLite file in the folder. */
  databaseUrl: string | null;
  /** The storm lasts so long. */
  stormMs: number;
  seed: number;
  temper: Temper;
  delays: Delays;
  edits?: Edit[];
  faketime: string | null;
}

export interface Verdict {
  name: string;
  minutes: number;
  deeds: Deeds;
  findings: Findings;
  complaints: Map<string, number>;
}

const SERVICES = 3;
const CONCURRENCY = 6;

export const DELAYS: Delays = {
  database: { probability: 0.02, maxMs: 5 },
  jobs: { probability: 0.03, maxMs: 300 },
  worker: { probability: 0.02, maxMs: 300 },
  fence: { probability: 0.05, maxMs: 2500 },
  torn: { probability: 0.1, maxMs: 900 },
};

export async function torture(options: TortureOptions): Promise<Verdict> {
  const { folder } = options;
  const places = placesIn(folder);
  mkdirSync(folder, { recursive: true });
  writeFileSync(places.bytes, outputBytes());
  const random = new Random(options.seed);
  const databaseUrl = options.databaseUrl ?? `sqlite:${path.join(folder, "batchline.sqlite")}`;
  const product = buildProduct(path.join(folder, "product"), options.delays, options.edits);
  const clock = new ServiceClock(folder, options.faketime);
  const journal = new Journal(places.journal);
  const fleet = new Fleet({
    product,
    places,
    databaseUrl,
    size: SERVICES,
    concurrency: CONCURRENCY,
    clock,
    random,
  });
  const chaos = new Chaos({ fleet, product, places, clock, journal, random });
  let recorder: Recorder | null = null;
  try {
    await fleet.start();
    recorder = await Recorder.start(databaseUrl, journal);
    const driver = new Driver({ fleet, clock, journal, recorder, places, random });
    await driver.upload();
    await storm(chaos, driver, options);
    await fleet.whole();
    await driver.settle();
    await fleet.stop();
    const findings = audit(await collectFacts(databaseUrl, places, CONCURRENCY));
    const minutes = options.stormMs / 60_000;
    return { name: options.name, minutes, deeds: chaos.deeds, findings, complaints: driver.complaints };
  } finally {
    await recorder?.close();
    await fleet.stop();
    await endAllIn(folder);
  }
}

async function storm(chaos: Chaos, driver: Driver, { stormMs, temper }: TortureOptions): Promise<void> {
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const raging = Promise.all([chaos.rage(temper, over.signal), driver.work(over.signal)]);
  await pause(stormMs);
  over.abort();
  await raging;
}
