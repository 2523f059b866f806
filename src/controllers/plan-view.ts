// How planned runs and the gap of a pause are shown.
import type { GapView, PlannedRunView, PlannedRunsView } from "../models/plan.js";
import { toInstant } from "../models/shapes.js";
import type { GapReport, PlannedPage } from "../services/plan-service.js";
import type { PlannedRun } from "../services/planned-passes.js";

function showExecution(row: NonNullable<PlannedRun["execution"]>): NonNullable<PlannedRunView["execution"]> {
  const { id, status, reasonCode, reasonText, startedAt, finishedAt } = row;
  return {
    id,
    status,
    reason: reasonCode === null ? null : { code: reasonCode, text: reasonText ?? "" },
    startedAt: toInstant(startedAt),
    finishedAt: toInstant(finishedAt),
    durationMs: startedAt === null || finishedAt === null ? null : finishedAt - startedAt,
  };
}

function showPlannedRun({ plannedAt, batch, trigger, chain, expected, execution }: PlannedRun): PlannedRunView {
  return {
    plannedAt: toInstant(plannedAt),
    batch,
    trigger,
    chain,
    expected: expected && {
      startAt: toInstant(expected.startAt),
      endAt: toInstant(expected.endAt),
      durationMs: expected.durationMs,
    },
    execution: execution && showExecution(execution),
  };
}

export function showPlannedPage({ from, to, items, next }: PlannedPage): PlannedRunsView {
  return { from: toInstant(from), to: toInstant(to), items: items.map(showPlannedRun), next };
}

export function showGap({ batch, occurrences, count, more }: GapReport): GapView {
  return {
    batch: { id: batch.id, name: batch.name },
    disabledAt: toInstant(batch.disabledAt),
    occurrences: occurrences.map((at) => toInstant(at)),
    count,
    more,
  };
}
