// How long the service's event loop stands still while many runs start, and what somebody who asks it feels of that.
import { pingDuring } from "./ping.js";
import { scaled } from "./scale.js";
import { startService, type Service } from "./service.js";
import { median, percentile, round, table } from "./statistics.js";
import { mustHaveCompleted, prepareRuns, throughService, throughXargs } from "./throughput.js";

const RUNS = scaled(300);
const AT_ONCE = 8;
const ROUNDS = 5;
const PAUSE_MS = 5;

interface Measured {
  turns: { p99: number; max: number };
  pings: { p50: number; p99: number; max: number };
}

async function measure(service: Service, work: () => Promise<unknown>): Promise<Measured> {
  await service.ask("watch");
  const answers = await pingDuring(service.url, work(), PAUSE_MS);
  const turns = await service.ask("turns");
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(answers, share));
  return { turns, pings: { p50: p50!, p99: p99!, max: max! } };
}

/** Medians of the rounds' percentiles, and the worst of their worst. */
function rowOf(name: string, rounds: Measured[]): string[] {
  const middle = (pick: (round: Measured) => number) => round(median(rounds.map(pick)), 1);
  const worst = (pick: (round: Measured) => number) => round(Math.max(...rounds.map(pick)), 1);
  return [
    name,
    middle(({ turns }) => turns.p99),
    worst(({ turns }) => turns.max),
    middle(({ pings }) => pings.p50),
    middle(({ pings }) => pings.p99),
    worst(({ pings }) => pings.max),
  ];
}

export async function stall(): Promise<void> {
  const service = await startService({ CONCURRENCY: String(AT_ONCE) }, { probe: true });
  await prepareRuns(service);
  const ours = () => measure(service, () => throughService(service, RUNS));
  // The service has nothing to do with these: what it cannot help, because the processors are taken.
  const others = () => measure(service, () => throughXargs(service, RUNS, AT_ONCE));
  const first = await ours();
  const rounds: { ours: Measured; others: Measured }[] = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push({ others: await others(), ours: await ours() });
  await mustHaveCompleted(service);
  await service.stop();
  console.log(`## Event loop while ${RUNS} runs start (${AT_ONCE} at a time; ${ROUNDS} rounds, interleaved)\n`);
  table(
    ["", "turn p99: ms", "longest turn: ms", "/health/live p50: ms", "p99: ms", "longest: ms"],
    [
      rowOf(
        `an idle service, beside \`xargs -P ${AT_ONCE}\``,
        rounds.map((each) => each.others),
      ),
      rowOf(`the first ${RUNS} of a fresh service`, [first]),
      rowOf(
        `${RUNS} more`,
        rounds.map((each) => each.ours),
      ),
    ],
  );
}
