// Products with one safeguard taken out each, and the storm that shows it: the auditor must catch every one of them.
import { FURIOUS, type Temper } from "./chaos.js";
import type { FaultKind } from "./findings.js";
import type { Delays } from "./instrument.js";
import type { Edit } from "./product.js";
import { DELAYS } from "./torture.js";

export interface Mutant {
  name: string;
  edits: Edit[];
  temper: Temper;
  delays: Delays;
  /** Any of these kinds of fault proves that it was caught. */
  caughtBy: FaultKind[];
}

/** Deaths of services alone, so that no fault can come from anything else. */
const DEADLY: Temper = { ...FURIOUS, freeze: null, idleWorker: null, busyWorker: null, remover: null, clock: null };

export const MUTANTS: Mutant[] = [
  {
    name: "no unique key, and the watermark read before the transaction",
    edits: [
      {
        file: "database/migrations/0001-create-schema.ts",
        find: '    uniques: [{ name: "uq_executions_occurrence", columnNames: ["triggerId", "scheduledAt"] }],\n',
        replace: "",
      },
      {
        file: "jobs/scheduler.ts",
        find: "    await this.with_.database.write((transaction) => this.fireIn(transaction, ids));\n",
        replace: `    const known = await this.with_.database.read((reader) => selectByIds(reader, Trigger, ids));
    await this.with_.database.write((transaction) => this.fireIn(transaction, ids, known));\n`,
      },
      {
        file: "jobs/scheduler.ts",
        find: "fireIn(transaction: Transaction, ids: number[])",
        replace: "fireIn(transaction: Transaction, ids: number[], known?: Trigger[])",
      },
      {
        file: "jobs/scheduler.ts",
        find: "    const triggers = await selectByIds(manager, Trigger, ids, { lock: true });\n",
        replace: "    const triggers = known ?? (await selectByIds(manager, Trigger, ids, { lock: true }));\n",
      },
    ],
    temper: DEADLY,
    delays: DELAYS,
    caughtBy: ["doubled"],
  },
  {
    name: "no fence",
    edits: [{ file: "handlers/process/worker.sh", find: "  set -o noclobber\n", replace: "" }],
    temper: DEADLY,
    delays: { ...DELAYS, fence: { probability: 0.5, maxMs: 3000 } },
    caughtBy: ["doubled"],
  },
  {
    name: "no grace for a torn status",
    edits: [{ file: "jobs/adoption.ts", find: "const TORN_FOR_MS = 2000;", replace: "const TORN_FOR_MS = 0;" }],
    temper: DEADLY,
    delays: { ...DELAYS, torn: { probability: 0.9, maxMs: 990 } },
    caughtBy: ["lost"],
  },
  {
    name: "chain decision after the commit",
    edits: [
      {
        file: "jobs/queue.ts",
        find: "    await advanceChain(transaction, ended, this.enqueue);\n",
        replace: `    const later = () =>
      void this.with_.database.write((transaction) => advanceChain(transaction, ended, this.enqueue));
    transaction.afterCommit(() => setTimeout(later, 300 * Math.random()));\n`,
      },
    ],
    temper: DEADLY,
    delays: DELAYS,
    caughtBy: ["missing"],
  },
];
