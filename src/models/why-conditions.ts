// The conditions of a run, each in words: met, unmet, or not to be said.
import { concurrencyOf } from "./batch-config.js";
import { decide } from "./chain.js";
import { instantInWords, spanInWords } from "./instant-words.js";
import { misfireRule } from "./misfire.js";
import { isFinal } from "./status.js";
import type { Condition, WhyFacts } from "./why.js";

type Met = Condition["met"];
type Finding = [met: Met, text: string];
type Judge = (facts: WhyFacts) => Finding;

const NOT_REACHED = "It never came to that.";

/** Every condition, always all of them and in this order. */
export function conditionsOf(facts: WhyFacts): Condition[] {
  const judges: Record<Condition["code"], Judge> = {
    existed,
    enabled,
    occurrence,
    predecessor,
    overlap,
    concurrency,
    slot,
    requires,
    excludes,
    waits,
    misfire,
    retry,
    reason,
  };
  return Object.entries(judges).map(([code, judge]) => {
    const [met, text] = judge(facts);
    return { code: code as Condition["code"], met, text };
  });
}

function when({ batch }: WhyFacts, at: number): string {
  return instantInWords(at, batch.config.timeZone);
}

const isFuture = ({ at, now, row }: WhyFacts) => !row && at > now;
const neverStarted = ({ row }: WhyFacts) => row !== null && isFinal(row.status) && row.startedAt === null;
const quoted = (names: string[]) => names.map((name) => `"${name}"`).join(", ");

/** All met: true; one unmet: false; else not to be said. */
function all(mets: Met[]): Met {
  if (mets.includes(false)) return false;
  return mets.includes(null) ? null : true;
}

function existed(facts: WhyFacts): Finding {
  const { createdAt } = facts.batch;
  return createdAt <= facts.at || facts.row
    ? [true, `It exists since ${when(facts, createdAt)}.`]
    : [false, `It was uploaded at ${when(facts, createdAt)}, after that instant.`];
}

function enabled(facts: WhyFacts): Finding {
  const { disabled, batch, row } = facts;
  if (!disabled) {
    const tense = isFuture(facts) ? "is" : "was";
    return [true, `Neither it nor a batch before it ${tense} disabled.`];
  }
  const self = disabled.batch.id === batch.id;
  const who = disabled.by ? ` by ${disabled.by.name}` : "";
  const subject = self ? "It was" : `It comes after "${disabled.batch.name}" (batch ${disabled.batch.id}), which was`;
  const asked = row && row.scheduledAt === null ? " A run that somebody asks for goes ahead all the same." : "";
  return [false, `${subject} disabled${who} at ${when(facts, disabled.since)}.${asked}`];
}

function occurrence(facts: WhyFacts): Finding {
  const { row, plan, at } = facts;
  if (row?.scheduledAt === null && (row.source === "api" || row.source === "person"))
    return [null, `This run was not planned: ${row.actor.name} asked for it at ${when(facts, row.queuedAt)}.`];
  if (!plan) return [null, "Nothing plans it: neither it nor a batch before it has a schedule."];
  const whose = plan.head ? ` of "${plan.head.name}", with which its chain starts,` : "";
  const planned = row?.scheduledAt ?? plan.planned;
  const tense = isFuture(facts) ? "is" : "was";
  if (planned !== null) {
    const minute = planned === at ? "exactly then" : "within the same minute";
    const near = Math.floor(planned / 60_000) === Math.floor(at / 60_000);
    return [true, `A run${whose} ${tense} planned for ${when(facts, planned)}${near ? `, ${minute}` : ""}.`];
  }
  const around = [
    plan.before === null ? "none is planned before" : `the one before is ${when(facts, plan.before)}`,
    plan.after === null ? "none comes after" : `the next one is ${when(facts, plan.after)}`,
  ];
  const text = `No run${whose} ${tense} planned for ${when(facts, at)}: ${around.join(", ")}.`;
  return [plan.head || row ? null : false, text];
}

function predecessor(facts: WhyFacts): Finding {
  const { predecessors, row, batch } = facts;
  if (predecessors.length === 0) return [null, "It follows no other batch, or ran outside of a chain run."];
  const findings = predecessors.map(({ name, link, outcome }): Finding => {
    const wants = { success: "succeeds", failure: "fails", always: "has ended, whatever its result" }[link.runOn];
    if (!outcome) return [null, `It starts when "${name}" ${wants}; that has not been decided.`];
    const which = outcome.executionId === null ? "" : ` (execution ${outcome.executionId})`;
    const decision = decide(batch.id, { links: [link] }, new Map([[link.predecessorId, outcome]]));
    if (decision.kind === "abort") return [false, decision.reason.text];
    if (decision.kind === "wait")
      return [null, `It waits for the end of "${name}"${which}, which is ${outcome.status}.`];
    return [true, `Its predecessor "${name}"${which} ended as ${outcome.status}; it starts when that ${wants}.`];
  });
  const met = row ? all(findings.map(([one]) => one)) : null;
  return [met, findings.map(([, text]) => text).join(" ")];
}

function overlap(facts: WhyFacts): Finding {
  const { row, active, batch } = facts;
  if (row && ["overlap", "queue_full"].includes(row.reasonCode ?? "")) return [false, row.reasonText ?? ""];
  const policy = `overlap is "${batch.config.overlap}"`;
  if (isFuture(facts)) {
    const now = active.length === 0 ? "none is active now" : `active now: ${named(active)}`;
    return [null, `It cannot be known yet whether another execution of it will be active; ${now}, and ${policy}.`];
  }
  if (active.length === 0) return [true, `No other execution of it was active; ${policy}.`];
  return [row ? true : null, `Other executions of it were active: ${named(active)}; ${policy}.`];
}

function named(active: WhyFacts["active"]): string {
  const shown = active.slice(0, 5).map(({ id, status }) => `${id} (${status})`);
  return active.length > 5 ? `${shown.join(", ")} and ${active.length - 5} more` : shown.join(", ");
}

function concurrency(facts: WhyFacts): Finding {
  const { row, running, batch } = facts;
  const limit = concurrencyOf(batch.config);
  if (limit === null) return [null, "Any number of its executions may run at once."];
  const rule = `At most ${limit} of its executions may run at once`;
  if (!row || neverStarted(facts))
    return [null, `${rule}. ${row ? NOT_REACHED : "It matters only to what is queued."}`];
  const free = row.startedAt !== null || running.batch < limit;
  return [free, `${rule}; beside this one there ${row.startedAt === null ? "are" : "were"} ${running.batch}.`];
}

function slot(facts: WhyFacts): Finding {
  const { row, running, slots } = facts;
  const rule = `The service runs at most ${slots} scripts at once`;
  if (!row || neverStarted(facts))
    return [null, `${rule}. ${row ? NOT_REACHED : "It matters only to what is queued."}`];
  if (row.startedAt === null || row.status === "queued")
    return [running.all < slots, `${rule}; ${running.all} run at the moment.`];
  const waited = row.attempt > 1 ? "" : `, ${spanInWords(row.startedAt - row.queuedAt)} after it was queued`;
  return [true, `${rule}; it got a slot at ${when(facts, row.startedAt)}${waited}.`];
}

function requires(facts: WhyFacts): Finding {
  const { row } = facts;
  if (row?.reasonCode === "requires") return [false, row.reasonText ?? ""];
  if (facts.requires.length === 0) return [null, "It requires no other batch."];
  const open = facts.requires.filter(({ completed }) => !completed);
  if (open.length === 0) return [true, `What it requires had completed: ${quoted(facts.requires.map(nameOf))}.`];
  const why = open.map(({ name, exists }) => `"${name}" ${exists ? "has not completed" : "does not exist"}`);
  const then = isFuture(facts) ? " Unless that changes, the run will be skipped." : "";
  return [false, `It requires a batch that is not ready: ${why.join(", ")}.${then}`];
}

function excludes(facts: WhyFacts): Finding {
  const { row } = facts;
  if (row?.reasonCode === "excluded") return [false, row.reasonText ?? ""];
  if (facts.excludes.length === 0) return [null, "It excludes no other batch."];
  const rule = `It does not run beside ${quoted(facts.excludes.map(nameOf))}`;
  if (isFuture(facts)) return [null, `${rule}; whether one of them will be active cannot be known yet.`];
  const busy = facts.excludes.filter(({ active }) => active !== null);
  if (busy.length === 0) return [true, `${rule}; none of them was active.`];
  const which = busy.map(({ name, active }) => `"${name}" (execution ${active ?? 0})`);
  // It may have started before them: then they stood against nothing.
  return [row?.startedAt == null ? false : null, `${rule}; active then: ${which.join(", ")}.`];
}

const nameOf = ({ name }: { name: string }) => name;

function waits(facts: WhyFacts): Finding {
  const { row, batch } = facts;
  const { waitFor } = batch.config;
  if (facts.waits.length === 0 && waitFor.length === 0) return [null, "It waits for no other batch."];
  const rule = `It waits for the run of the same period of ${quoted(waitFor)}`;
  if (isFuture(facts)) return [null, `${rule}; whether that will have ended cannot be known yet.`];
  if (!row || neverStarted(facts)) return [null, `${rule}. ${row ? NOT_REACHED : "It matters only to an execution."}`];
  if (row.status !== "waiting") return [true, `${rule}; that had ended.`];
  const open = facts.waits.filter(({ met }) => !met);
  const which = open.map(({ name, since }) => {
    return `"${name}"${since === null ? "" : `, a run from ${when(facts, since)} on`}`;
  });
  return [open.length === 0, which.length > 0 ? `It still waits for ${which.join("; ")}.` : `${rule}; that has ended.`];
}

function misfire(facts: WhyFacts): Finding {
  const { row, batch } = facts;
  const { policy } = misfireRule(batch.config);
  const rule = `Up to ${batch.config.misfireWithin} late is on time; misfire is "${policy}"`;
  if (!row) return [null, `${rule}. It matters only to an occurrence that is taken up.`];
  if (row.scheduledAt === null) return [null, "It was not planned, so it could not be late."];
  const late = row.queuedAt - row.scheduledAt;
  const span = `it was taken up ${spanInWords(late)} after its planned instant`;
  if (row.status === "missed") return [false, `${rule}; ${span}. ${row.reasonText ?? ""}`.trim()];
  const onTime = late <= misfireRule(batch.config).withinMs;
  return [true, `${rule}; ${span}${onTime ? "" : ", and went ahead under that policy"}.`];
}

function retry(facts: WhyFacts): Finding {
  const { row, batch } = facts;
  const attempts = batch.config.retry?.attempts ?? 1;
  if (attempts === 1) return [null, "It has one attempt only."];
  if (!row || row.attempt === 0) return [null, `It has ${attempts} attempts; none has been made.`];
  if (row.status === "queued" && row.retryAt !== null) {
    const due = row.retryAt <= facts.now;
    return [due, `Attempt ${row.attempt + 1} of ${attempts} may start from ${when(facts, row.retryAt)} on.`];
  }
  return [null, `${isFinal(row.status) ? "It ended with" : "This is"} attempt ${row.attempt} of ${attempts}.`];
}

function reason(facts: WhyFacts): Finding {
  const { row } = facts;
  if (!row) return [null, "There is no execution that could have a reason."];
  if (row.reasonCode === null) return [null, `Execution ${row.id} is ${row.status}; there is nothing to explain.`];
  return [neverStarted(facts) ? false : null, `${row.reasonCode}: ${row.reasonText ?? ""}`];
}
