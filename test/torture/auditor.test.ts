// The auditor catches every kind of fault in a hand-made ledger, each alone, and finds none in a clean one.
import { appendFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { FAULT_KINDS, type FaultKind } from "./findings.js";
import { HandMadeLedger, START } from "./hand-made-ledger.js";

/** The changes that make of a copy a row whose script never started. */
const NEVER = { id: "12", attempt: "0", exitCode: "NULL", status: "'skipped'", reasonCode: "'overlap'" };

type Ledger = HandMadeLedger;

it("finds nothing in a clean ledger, and counts what is there", async () => {
  const findings = await (await HandMadeLedger.make()).audit();
  expect(findings.faults).toEqual([]);
  expect(findings).toMatchObject({ executions: 11, planned: 8, startedOnce: 8, lostExplained: 0, logsCompared: 20 });
});

it.each<[string, (ledger: Ledger) => unknown, FaultKind[]]>([
  ["an occurrence without a row", (l) => l.sql("UPDATE triggers SET nextAt = nextAt + 1000 WHERE id = 1"), ["missing"]],
  ["an answered execution without a row", (l) => l.journal.add({ kind: "asked", execution: 99 }), ["missing"]],
  ["a gap in the numbers", (l) => l.sql("UPDATE executions SET number = 9 WHERE id = 6"), ["missing"]],
  ["a pass without its successor", (l) => l.sql("UPDATE executions SET chainRunId = NULL WHERE id = 9"), ["missing"]],
  [
    "a head without its pass",
    (l) => l.sql("UPDATE executions SET chainRunId = NULL WHERE id IN (10, 11)"),
    ["missing"],
  ],
  [
    "a row at no occurrence",
    (l) => l.sql(`UPDATE executions SET scheduledAt = 5 WHERE id = 6`),
    ["missing", "invented"],
  ],
  [
    "a run while disabled",
    (l) => l.sql(`UPDATE executions SET triggerId = 1, scheduledAt = ${START - 60_000} WHERE id = 7`),
    ["invented"],
  ],
  ["a start that no row knows of", (l) => l.say("50 1 100 99 50.0 start"), ["invented"]],
  ["a start of an attempt that was never made", (l) => l.say("6 2 100 99 50.0 start"), ["invented"]],
  [
    "a batch that the plan does not know",
    (l) => l.sql("UPDATE executions SET chainRunId = 1 WHERE id = 6"),
    ["invented"],
  ],
  ["a second start", (l) => l.say("6 1 100 99 50.0 start"), ["doubled"]],
  [
    "a second row for an occurrence",
    async (l) => {
      await l.dropKeys();
      await l.copy(6, { ...NEVER, number: "8" });
    },
    ["doubled"],
  ],
  ["a successor that came twice", (l) => l.copy(9, { ...NEVER, number: "3", status: "'aborted'" }), ["doubled"]],
  ["a number given twice", (l) => l.sql("UPDATE executions SET number = 6 WHERE id = 7"), ["doubled"]],
  ["a wrong exit code", (l) => l.sql("UPDATE executions SET exitCode = 9 WHERE id = 8"), ["wrong_exit", "changed"]],
  ["an exit code of a script that has not ended", (l) => l.unsay("6 1 100 99 6.900000 end 0"), ["wrong_exit"]],
  ["a run that cannot have been", (l) => l.unsay("6 1 100 99 6.000001 start"), ["wrong_exit"]],
  ["a lost run", lose, ["lost", "changed"]],
  ["a log that is too short", (l) => writeFileSync(l.logFile(10, "log"), ""), ["log"]],
  ["a log that is too long", (l) => appendFileSync(l.logFile(10, "error_log"), "x"), ["log"]],
  [
    "a log of another size than said",
    (l) => l.sql("UPDATE executions SET logBytes = logBytes + 1 WHERE id = 10"),
    ["log"],
  ],
  ["a final row that changed", (l) => l.sql("UPDATE executions SET finishedAt = 5 WHERE id = 10"), ["changed"]],
  [
    "a row that never ended",
    (l) => l.sql("UPDATE executions SET status = 'running' WHERE id = 6"),
    ["changed", "stuck"],
  ],
  [
    "a script that could not be started",
    (l) => l.sql("UPDATE executions SET exitCode = NULL WHERE id = 8"),
    ["changed", "status"],
  ],
  [
    "a skip that no policy asked for",
    (l) => l.copy(8, { ...NEVER, number: "3", chainRunId: "NULL", triggerId: "NULL" }),
    ["status"],
  ],
  ["a cancellation by nobody", (l) => cancel(l), ["changed", "status"]],
  [
    "a cancellation that was promised",
    (l) => l.journal.add({ kind: "cancel", execution: 6, accepted: true }),
    ["status"],
  ],
  ["a successor aborted for nothing", abortForNothing, ["changed", "status", "chain"]],
  ["two scripts of one batch at once", (l) => l.say("6 1 100 99 9.0 end 0"), ["overlap"]],
  ["too many scripts at once", crowd, ["concurrency"]],
  ["a trigger that stands still", (l) => l.journal.add({ kind: "mute", batch: "tick", watermark: START }), ["mute"]],
])("%s", async (_, spoil, kinds) => {
  const ledger = await HandMadeLedger.make();
  await spoil(ledger);
  const { faults } = await ledger.audit();
  const found = FAULT_KINDS.filter((kind) => faults.some((fault) => fault.kind === kind));
  expect(found, JSON.stringify(faults)).toEqual(FAULT_KINDS.filter((kind) => kinds.includes(kind)));
});

it("takes a run for lost with good reason whose worker was killed", async () => {
  const ledger = await HandMadeLedger.make();
  await lose(ledger);
  ledger.journal.add({ kind: "worker_killed", run: "6-1" });
  const findings = await ledger.audit();
  expect(findings.lostExplained).toBe(1);
  expect(findings.count("lost")).toBe(0);
});

/** Three scripts of two batches: those of the batch that forbids it are not among them twice. */
function crowd(ledger: Ledger): void {
  for (const [id, code] of [
    [8, 7],
    [10, 0],
    [11, 0],
  ] as const) {
    ledger.unsay(`${id} 1 100 99 ${id}.000001 start`);
    ledger.unsay(`${id} 1 100 99 ${id}.900000 end ${code}`);
    ledger.say(`${id} 1 100 99 20.000000 start\n${id} 1 100 99 20.500000 end ${code}`);
  }
}
async function lose(ledger: Ledger): Promise<void> {
  await ledger.sql("UPDATE executions SET status = 'lost', exitCode = NULL, finishedAt = 5 WHERE id = 6");
}
async function cancel(ledger: Ledger): Promise<void> {
  await ledger.sql("UPDATE executions SET status = 'cancelled', exitCode = NULL WHERE id = 6");
}
async function abortForNothing(ledger: Ledger): Promise<void> {
  await ledger.sql("UPDATE executions SET status = 'aborted', exitCode = NULL WHERE id = 11");
}
