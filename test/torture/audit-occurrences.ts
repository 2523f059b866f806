// The auditor's view of schedules: each occurrence of an enabled trigger has exactly one row, and no other instant has.
import type { Trigger } from "../../src/entities/trigger.js";
import { scheduleOfTrigger } from "../../src/jobs/trigger-schedule.js";
import { nextOccurrence } from "../../src/models/schedule.js";
import { nameOf } from "./audit.js";
import type { Facts } from "./facts.js";
import type { Findings } from "./findings.js";
import type { Entry } from "./journal.js";

/** A time in which a trigger was armed: surely after `owedAfter` and before `owedBefore`, else possibly. */
interface Stretch {
  from: number;
  owedAfter: number;
  owedBefore: number;
  until: number;
}

export function auditOccurrences(facts: Facts, findings: Findings): void {
  for (const entry of facts.journal) {
    if (entry.kind === "mute") findings.add("mute", `${entry.batch} stands still at ${instant(entry.watermark)}`);
  }
  const names = new Map(facts.batches.map(({ id, name }) => [id, name]));
  for (const trigger of facts.triggers) {
    const name = names.get(trigger.batchId ?? 0) ?? `batch ${trigger.batchId}`;
    auditTrigger(facts, findings, trigger, name);
  }
}

function auditTrigger({ executions, journal }: Facts, findings: Findings, trigger: Trigger, name: string): void {
  const stretches = stretchesOf(journal, name, trigger);
  const seen = new Set<number>();
  for (const row of executions) {
    if (row.triggerId !== trigger.id || row.scheduledAt === null) continue;
    const at = row.scheduledAt;
    if (seen.has(at)) findings.add("doubled", `${nameOf(row)} is the second for ${instant(at)}`);
    seen.add(at);
    if (nextOccurrence(scheduleOfTrigger(trigger), at - 1) !== at) {
      findings.add("invented", `${nameOf(row)} is planned for ${instant(at)}, which is no occurrence`);
    } else if (row.attempt > 0 && !stretches.some(({ from, until }) => from <= at && at <= until)) {
      findings.add("invented", `${nameOf(row)} ran for ${instant(at)}, when the batch was disabled`);
    }
  }
  for (const at of owed(trigger, stretches)) {
    findings.planned++;
    if (!seen.has(at)) findings.add("missing", `${name} has no row for ${instant(at)}`);
  }
}

/** In the order of the journal, with bounds that never go back, as the watermark does not when the clock does. */
function stretchesOf(journal: Entry[], batch: string, trigger: Trigger): Stretch[] {
  const stretches: Stretch[] = [];
  let settled = 0;
  for (const entry of journal) {
    if (entry.kind === "armed" && entry.batch === batch) {
      const last = stretches.at(-1);
      // Enabled although it was enabled: nothing has changed.
      if (last && last.until === Infinity) continue;
      const owedAfter = Math.max(entry.by, settled);
      stretches.push({ from: entry.from, owedAfter, owedBefore: trigger.nextAt ?? 0, until: Infinity });
    } else if (entry.kind === "disarmed" && entry.batch === batch) {
      const last = stretches.at(-1);
      if (!last) continue;
      last.owedBefore = entry.watermark ?? 0;
      last.until = Math.max(entry.by, last.owedBefore);
      settled = Math.max(settled, last.until);
    }
  }
  return stretches;
}

function* owed(trigger: Trigger, stretches: Stretch[]): Generator<number> {
  const schedule = scheduleOfTrigger(trigger);
  for (const { owedAfter, owedBefore } of stretches) {
    for (
      let at = nextOccurrence(schedule, owedAfter);
      at !== null && at < owedBefore;
      at = nextOccurrence(schedule, at)
    ) {
      yield at;
    }
  }
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
