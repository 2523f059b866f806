// How an explanation is shown.
import { toInstant } from "../models/shapes.js";
import type { WhyView } from "../models/why.js";
import type { Explanation } from "../services/why-service.js";
import { showExecution } from "./execution-view.js";

export function showWhy({ batch, at, why, execution }: Explanation): WhyView {
  const { outcome, summary, conditions } = why;
  return {
    batch: { id: batch.id, name: batch.name },
    at: toInstant(at),
    outcome,
    summary,
    execution: execution && showExecution(execution),
    conditions,
  };
}
