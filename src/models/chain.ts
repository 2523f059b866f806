// Chains: the graph of links, what a disabled batch takes along, and who may run after whom.
import { isFinal, type ExecutionStatus, type FinalStatus } from "./status.js";

export const RUN_ON = ["success", "failure", "always"] as const;
/** Which result of the predecessor starts the successor; `always` is what a config calls independent. */
export type RunOn = (typeof RUN_ON)[number];

/** The two ends of a link: all that a walk through the graph needs. */
export interface Edge {
  predecessorId: number;
  successorId: number;
}

export interface ChainLink extends Edge {
  runOn: RunOn;
  previousOutput: boolean;
  /** The artifact version of the successor that it starts; null, or missing in older plans: the active one. */
  version?: number | null;
}

/** The links a chain run goes along, in link order, frozen when it starts. */
export interface ChainPlan {
  links: ChainLink[];
}

/** What became of one batch in a chain run. */
export interface Outcome {
  executionId: number | null;
  batchName: string;
  status: ExecutionStatus;
  exitCode: number | null;
  /** The attempt whose output counts; 0 if it never started. */
  attempt: number;
}

export type Decision =
  { kind: "wait" } | { kind: "run"; inputsFrom: number[] } | { kind: "abort"; reason: { code: string; text: string } };

/** Everything after `start`, `start` left out, each once. */
export function descendants(start: number, edges: readonly Edge[]): Set<number> {
  const found = new Set<number>();
  const open = [start];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const edge of edges) {
      if (edge.predecessorId !== id || found.has(edge.successorId)) continue;
      found.add(edge.successorId);
      open.push(edge.successorId);
    }
  }
  return found;
}

/** The batches withdrawn from scheduling: the disabled ones and everything after them. */
export function withdrawn(disabled: Iterable<number>, edges: readonly Edge[]): Set<number> {
  const all = new Set<number>();
  for (const id of disabled) {
    all.add(id);
    for (const after of descendants(id, edges)) all.add(after);
  }
  return all;
}

/** A circle as the ids along it, the first repeated at the end; null if the graph has none. */
export function findCircle(edges: readonly Edge[]): number[] | null {
  const settled = new Set<number>();
  const path: number[] = [];
  const visit = (id: number): number[] | null => {
    const seenAt = path.indexOf(id);
    if (seenAt >= 0) return [...path.slice(seenAt), id];
    if (settled.has(id)) return null;
    path.push(id);
    for (const edge of edges) {
      const circle = edge.predecessorId === id ? visit(edge.successorId) : null;
      if (circle) return circle;
    }
    path.pop();
    settled.add(id);
    return null;
  };
  for (const edge of edges) {
    const circle = visit(edge.predecessorId);
    if (circle) return circle;
  }
  return null;
}

/** Everything before `start`, `start` left out. */
export function ancestors(start: number, edges: readonly Edge[]): Set<number> {
  return descendants(
    start,
    edges.map(({ predecessorId, successorId }) => ({ predecessorId: successorId, successorId: predecessorId })),
  );
}

/** The plan of a chain run from `head`: every link that a pass from there can reach without a withdrawn batch. */
export function planFrom(head: number, links: readonly ChainLink[], withdrawnIds: ReadonlySet<number>): ChainPlan {
  const usable = links.filter((link) => !withdrawnIds.has(link.successorId));
  const reached = descendants(head, usable).add(head);
  return {
    links: usable
      .filter((link) => reached.has(link.predecessorId))
      .map(({ predecessorId, successorId, runOn, previousOutput, version = null }) => ({
        predecessorId,
        successorId,
        runOn,
        previousOutput,
        version,
      })),
  };
}

/** Does this result of a predecessor satisfy the link? A skipped batch did not fail: only `always` goes past it. */
function permits(runOn: RunOn, status: FinalStatus): boolean {
  const succeeded = status === "completed" || status === "warned";
  if (runOn === "always") return true;
  return runOn === "success" ? succeeded : !succeeded && status !== "skipped";
}

const RESULT_WORDS: Record<FinalStatus, string> = {
  completed: "completed",
  warned: "completed with a warning",
  failed: "failed",
  timed_out: "timed out",
  cancelled: "was cancelled",
  aborted: "was aborted",
  skipped: "was skipped",
  missed: "was missed",
  lost: "was lost",
};

function refusal(link: ChainLink, outcome: Outcome, status: FinalStatus): { code: string; text: string } {
  const which = outcome.executionId === null ? "" : ` (execution ${outcome.executionId})`;
  const exit = status === "failed" && outcome.exitCode !== null ? ` with exit code ${outcome.exitCode}` : "";
  const wanted = link.runOn === "failure" ? "only if it fails" : "only if it succeeds";
  return {
    code: `predecessor_${status}`,
    text: `Its predecessor "${outcome.batchName}"${which} ${RESULT_WORDS[status]}${exit}; this batch runs ${wanted}.`,
  };
}

/**
 * May `successor` start now? It waits until every predecessor of this pass has ended, runs if every link permits it,
 * and is aborted with the first link that forbids it otherwise.
 *
 * @param outcomes what became of each batch of this chain run so far, by batch id
 */
export function decide(successor: number, plan: ChainPlan, outcomes: ReadonlyMap<number, Outcome>): Decision {
  const incoming = plan.links.filter((link) => link.successorId === successor);
  let reason: { code: string; text: string } | null = null;
  for (const link of incoming) {
    const outcome = outcomes.get(link.predecessorId);
    if (!outcome || !isFinal(outcome.status)) return { kind: "wait" };
    if (!permits(link.runOn, outcome.status)) reason ??= refusal(link, outcome, outcome.status);
  }
  if (reason) return { kind: "abort", reason };
  return { kind: "run", inputsFrom: incoming.filter((link) => link.previousOutput).map((link) => link.predecessorId) };
}
