// What one planned occurrence asks of the queue.
import type { Batch } from "../entities/batch.js";
import type { Trigger } from "../entities/trigger.js";
import { SYSTEM } from "../models/actor.js";
import { misfireRule, type DueOccurrence } from "../models/misfire.js";
import type { Demand, Verdict } from "./demand.js";

export function occurrenceDemand(batch: Batch, trigger: Trigger, { at, fate }: DueOccurrence): Demand {
  const demand: Demand = {
    batch,
    version: trigger.version,
    source: "schedule",
    actor: SYSTEM,
    occurrence: { triggerId: trigger.id, triggerKind: trigger.kind, triggerName: trigger.name, scheduledAt: at },
    test: trigger.test,
    chain: "start",
  };
  if (fate === "missed") return { ...demand, verdict: missed(batch) };
  return fate === "catch_up" ? { ...demand, inLine: true } : demand;
}

function missed({ config }: Batch): Verdict {
  const { policy, windowMs, max } = misfireRule(config);
  const late = `The service could not start it within ${config.misfireWithin} of its time: it was not running, or its clock was set forward`;
  const hours = Math.round(windowMs / 36_000) / 100;
  const why = {
    skip: 'misfire is "skip"',
    fire_once: 'misfire "fire_once" runs only the latest such occurrence',
    catch_up: `misfire "catch_up" runs only the latest ${max} such occurrences of the last ${hours} hours`,
  };
  return { status: "missed", reason: { code: "overdue", text: `${late}; ${why[policy]}.` } };
}
