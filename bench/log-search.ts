// Looking things up in a log of a gigabyte through the service, beside grep on the same file.
import { execFileSync } from "node:child_process";
import { closeSync, openSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import { pingDuring } from "./ping.js";
import { counted, scaled } from "./scale.js";
import { runOnce, startService, uploadScript, type Service } from "./service.js";
import { median, percentile, round, table } from "./statistics.js";

const LINES = scaled(16_000_000);
const NEEDLES = 8;
const ROUNDS = 5;
const PAUSE_MS = 5;
const LINES_PER_WRITE = 20_000;
const MB = 1024 ** 2;

interface Question {
  title: string;
  /** What grep is asked; null: it has no such question. */
  grep: string[] | null;
  ask: () => Promise<unknown>;
}

/** Fills a log with lines as programs print them, a few of them with a word that no other has. */
function fill(file: string): void {
  const log = openSync(file, "w");
  const every = Math.floor(LINES / NEEDLES);
  for (let from = 0; from < LINES; from += LINES_PER_WRITE) {
    const lines = Array.from({ length: Math.min(LINES_PER_WRITE, LINES - from) }, (_, i) => {
      const n = from + i + 1;
      const word = n % every === 0 ? "needle" : "request";
      return `2026-11-25T10:${String(n % 60).padStart(2, "0")}:12 worker-${n % 17} handled ${word} ${n} in ${n % 977} ms\n`;
    });
    writeSync(log, lines.join(""));
  }
  closeSync(log);
}

function grep(args: string[], file: string): number {
  const started = performance.now();
  // Into a pipe: with /dev/null for its output it would end at the first match.
  execFileSync("grep", [...args, file], { stdio: ["ignore", "pipe", "inherit"] });
  return performance.now() - started;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return performance.now() - started;
}

/** The log of a new execution, filled. */
async function filledLog(service: Service): Promise<{ id: number; file: string }> {
  const { id } = await runOnce(service, "logs");
  const file = path.join(service.folder, "logs", String(Math.floor(id / 1000)), `${id}-1.log`);
  fill(file);
  return { id, file };
}

function questions({ sdk }: Service, id: number): Question[] {
  const search = (q: string, options = {}) => sdk.logs.search(id, q, options);
  return [
    { title: "a rare word, its line numbers", grep: ["-n", "-F", "needle"], ask: () => search("needle") },
    { title: "the same, only counted by grep", grep: ["-c", "-F", "needle"], ask: () => search("needle") },
    {
      title: "the same, without regard to case",
      grep: ["-n", "-i", "-F", "NEEDLE"],
      ask: () => search("NEEDLE", { ignoreCase: true }),
    },
    { title: "a word of every line", grep: ["-c", "-F", "worker"], ask: () => search("worker") },
    { title: "the last 200 lines, numbered", grep: null, ask: () => sdk.logs.lines(id, { from: -200 }) },
    { title: "200 lines in the midst", grep: null, ask: () => sdk.logs.lines(id, { from: Math.ceil(LINES / 2) }) },
    { title: "the first error line: none", grep: null, ask: () => sdk.logs.firstError(id) },
  ];
}

async function measure(service: Service, { title, grep: args, ask }: Question, file: string): Promise<string[]> {
  const rounds: { theirs: number; ours: number; turn: number; pings: number[] }[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const theirs = args ? grep(args, file) : NaN;
    let ours = 0;
    await service.ask("watch");
    const pings = await pingDuring(
      service.url,
      timed(ask).then((ms) => (ours = ms)),
      PAUSE_MS,
    );
    rounds.push({ theirs, ours, turn: (await service.ask("turns")).max, pings });
  }
  const of = (pick: (each: (typeof rounds)[number]) => number) => median(rounds.map(pick));
  const pings = rounds.flatMap((each) => each.pings);
  return [
    title,
    ...(args ? [round(of(({ theirs }) => theirs))] : ["-"]),
    round(
      of(({ ours }) => ours),
      0,
    ),
    args
      ? round(
          of(({ theirs, ours }) => ours / theirs),
          2,
        )
      : "-",
    `${round(
      of(({ turn }) => turn),
      1,
    )} (${round(Math.max(...rounds.map(({ turn }) => turn)), 1)})`,
    `${round(percentile(pings, 0.5), 1)} / ${round(percentile(pings, 0.99), 1)}`,
  ];
}

/** What a service answers that knows nothing of the log yet: medians over services that have just started, in ms. */
async function forTheFirstTime(folder: string, ask: (service: Service) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const service = await startService({}, { folder });
    times.push(await timed(() => ask(service)));
    await service.stop();
  }
  return median(times);
}

export async function logSearch(): Promise<void> {
  const filling = await startService();
  await uploadScript(filling, "true\n", { name: "logs" });
  const { id, file } = await filledLog(filling);
  await filling.stop();
  const { folder } = filling;
  const lines = await forTheFirstTime(folder, ({ sdk }) => sdk.logs.lines(id, { from: -200 }));
  const search = await forTheFirstTime(folder, ({ sdk }) => sdk.logs.search(id, "needle"));
  const service = await startService({}, { folder, probe: true });
  const before = service.memory();
  const rows: string[][] = [];
  for (const question of questions(service, id)) rows.push(await measure(service, question, file));
  const memory = `RSS ${round(before)} MB before, ${round(service.peakMemory())} MB at its peak`;
  await service.stop();
  const size = `${counted(LINES)} lines, ${round(statSync(file).size / MB)} MB`;
  console.log(`## Looking things up in a log of ${size} (${ROUNDS} rounds, interleaved with grep)\n`);
  table(["", "grep: ms", "Batchline: ms", "ratio", "longest turn: ms", "/health/live p50 / p99: ms"], rows);
  console.log(
    `For the first time: the last 200 lines ${round(lines)} ms, the rare word ${round(search)} ms. ${memory}.\n`,
  );
}
