// Why: what became, or will become, of a batch at an instant; the shapes, and the verdict over facts that were read before.
import { z } from "zod";
import type { Actor } from "./actor.js";
import type { BatchConfig } from "./batch-config.js";
import type { ChainLink, Outcome } from "./chain.js";
import { executionQuery, executionSchema, type ExecutionSource, type Wait } from "./execution.js";
import { instantInWords } from "./instant-words.js";
import { idSchema, instantSchema } from "./shapes.js";
import { isFinal, type ExecutionStatus } from "./status.js";
import { conditionsOf } from "./why-conditions.js";

const OUTCOMES = ["ran", "running", "waiting", "queued", "did_not_run", "will_run", "will_not_run", "unknown"] as const;
export type WhyOutcome = (typeof OUTCOMES)[number];

export const CONDITIONS = [
  "existed",
  "enabled",
  "occurrence",
  "predecessor",
  "overlap",
  "concurrency",
  "slot",
  "requires",
  "excludes",
  "waits",
  "misfire",
  "retry",
  "reason",
] as const;

const conditionSchema = z.object({
  code: z.enum(CONDITIONS),
  met: z.boolean().nullable().meta({ description: "Null: not relevant, or it cannot be known; the text says which." }),
  text: z.string().meta({ description: "The condition in words." }),
});
export type Condition = z.infer<typeof conditionSchema>;

export const whySchema = z
  .object({
    batch: z.object({ id: idSchema, name: z.string() }),
    at: instantSchema.meta({ description: "The instant that was asked about." }),
    outcome: z.enum(OUTCOMES),
    summary: z.string().meta({ description: "The outcome in a sentence." }),
    execution: executionSchema.nullable().meta({ description: "The row of the ledger that stands for it." }),
    conditions: z.array(conditionSchema).meta({ description: "All of them, always in this order." }),
  })
  .meta({ id: "Why", description: "Why a batch ran, did not run, or will or will not run at an instant." });
/** The explanation as the API answers it. */
export type WhyView = z.infer<typeof whySchema>;

export const whyQuery = z.strictObject({
  at: executionQuery.shape.from.meta({ description: "ISO 8601 with zone, past or future; now if left out." }),
});

/** What of an execution's row the verdict needs. */
export interface WhyRow {
  id: number;
  status: ExecutionStatus;
  source: ExecutionSource;
  actor: Actor;
  reasonCode: string | null;
  reasonText: string | null;
  scheduledAt: number | null;
  queuedAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  attempt: number;
  retryAt: number | null;
  waits: Wait[] | null;
}

/** Everything that was read for the verdict. Instants in ms since 1970. */
export interface WhyFacts {
  now: number;
  at: number;
  batch: { id: number; name: string; createdAt: number; config: BatchConfig };
  row: WhyRow | null;
  /** The plan of the batch itself or, without a schedule, of the head that starts its chain; null: neither is planned. */
  plan: WhyPlan | null;
  /** Who had withdrawn it at that instant; null: nobody. */
  disabled: { batch: { id: number; name: string }; since: number; by: Actor | null } | null;
  /** Its incoming links: those of the row's chain run with what became of each predecessor there, else the present ones. */
  predecessors: { name: string; link: ChainLink; outcome: Outcome | null }[];
  /** Executions of the batch that had not ended then, beside the row itself. */
  active: { id: number; status: ExecutionStatus }[];
  /** How many scripts ran then, beside this one; of the batch, and in all. */
  running: { batch: number; all: number };
  /** How many may run at once in all. */
  slots: number;
  requires: { name: string; exists: boolean; completed: boolean }[];
  /** Batches that it excludes, with an execution that had not ended then. */
  excludes: { name: string; active: number | null }[];
  /** What the row waits for, or would wait for now. */
  waits: { name: string; met: boolean; since: number | null }[];
}

export interface WhyPlan {
  /** The head of the chain; null: the batch itself. */
  head: { id: number; name: string } | null;
  /** The planned instant that was meant: the very one, or the nearest within the same minute. */
  planned: number | null;
  before: number | null;
  after: number | null;
  /** True if the planned instant is due and has no row yet. */
  due: boolean;
}

export interface Why {
  outcome: WhyOutcome;
  summary: string;
  conditions: Condition[];
}

/** The verdict, with every condition in words. */
export function explain(facts: WhyFacts): Why {
  const conditions = conditionsOf(facts);
  const outcome = outcomeOf(facts, conditions);
  return { outcome, summary: summaryOf(facts, outcome, conditions), conditions };
}

function outcomeOf({ row, at, now, plan }: WhyFacts, conditions: Condition[]): WhyOutcome {
  if (row) return outcomeOfRow(row);
  const unmet = (...codes: string[]) => conditions.some(({ code, met }) => codes.includes(code) && met === false);
  if (at > now) {
    if (unmet("enabled")) return "will_not_run";
    if (plan === null || (plan.head === null && plan.planned === null)) return "will_not_run";
    // A pass that began at another instant may well reach the batch then; what is required may complete until then.
    return plan.planned === null || unmet("requires") ? "unknown" : "will_run";
  }
  if (unmet("existed", "enabled") || plan?.planned == null) return "did_not_run";
  return plan.head === null || plan.due ? "unknown" : "did_not_run";
}

function outcomeOfRow({ status, startedAt }: WhyRow): WhyOutcome {
  if (status === "queued" || status === "waiting") return status;
  if (!isFinal(status)) return "running";
  return startedAt === null ? "did_not_run" : "ran";
}

function summaryOf(facts: WhyFacts, outcome: WhyOutcome, conditions: Condition[]): string {
  const { row, plan, batch, at } = facts;
  const zone = batch.config.timeZone;
  const when = (instant: number) => instantInWords(instant, zone);
  const unmet = conditions.find(({ met }) => met === false)?.text;
  switch (outcome) {
    case "ran":
      return `It ran as execution ${row?.id ?? 0}, started at ${when(row?.startedAt ?? at)} and ended as ${row?.status ?? ""}. ${row?.reasonText ?? ""}`.trim();
    case "running":
      return `Execution ${row?.id ?? 0} is ${row?.status ?? ""}; it started at ${when(row?.startedAt ?? at)}.`;
    case "queued":
    case "waiting":
      return `Execution ${row?.id ?? 0} is ${outcome}. ${unmet ?? "It starts as soon as it is its turn."}`;
    case "did_not_run":
      return row
        ? `Execution ${row.id} never started: it was ${row.status}. ${row.reasonText ?? ""}`.trim()
        : `It did not run. ${unmet ?? "The ledger has no execution of it that was planned or active then."}`;
    case "will_run":
      return `It will run: ${plan?.head ? `its chain starts with "${plan.head.name}"` : "it is planned"} at ${when(plan?.planned ?? at)}.`;
    case "will_not_run":
      return `It will not run on its own then. ${unmet ?? "Nothing plans it: it runs only if somebody asks for it."}`;
    case "unknown":
      return `It cannot be told for sure. ${unmet ?? unknownWords(facts)}`;
  }
}

function unknownWords({ at, now, plan }: WhyFacts): string {
  if (at > now) return "When the batch starts depends on when the batches before it end.";
  return plan?.due
    ? "It is due, and is about to be recorded."
    : "It was planned and enabled, yet the ledger has no row of it: its schedule was made, or enabled anew, only later.";
}
