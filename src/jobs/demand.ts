// A demand: all that the queue must know to make one row of the ledger.
import type { Batch } from "../entities/batch.js";
import type { Execution } from "../entities/execution.js";
import type { Actor } from "../models/actor.js";
import type { ExecutionInput, ExecutionSource } from "../models/execution.js";

/** A row that is born final: why the execution never started. */
export interface Verdict {
  status: "aborted" | "skipped" | "missed";
  reason: Reason;
}

/** Why an execution did not simply complete: a code listed in docs/statuses.md, and one sentence. */
export interface Reason {
  code: string;
  text: string;
}

export interface Demand {
  batch: Batch;
  source: ExecutionSource;
  actor: Actor;
  /** The trigger that it stands for, and the planned instant, if there is one; absent if a person or a chain asked. */
  occurrence?: Pick<Execution, "triggerId" | "triggerKind" | "triggerName" | "scheduledAt">;
  /** True: a test trigger asked, or made what asked. */
  test?: boolean;
  /** Part of this chain run; `start`: makes one if the batch has successors; absent: this batch alone. */
  chain?: { runId: number } | "start";
  /** The artifact version to run; left out: the batch's active one. */
  version?: number | null;
  /** What it repeats, as it was then. */
  rerun?: { of: number; configRevision: number | null; nominalAt: number | null };
  /** Arguments instead of the config's. */
  args?: string[] | undefined;
  /** JSON text. */
  payload?: string | undefined;
  /** The predecessors whose output it receives. */
  inputs?: ExecutionInput[];
  /** True: it waits in line behind what is active of its batch, whatever the overlap policy: it is caught up. */
  inLine?: boolean;
  /** Settled beforehand: it does not run. Left out, the policies of the batch decide. */
  verdict?: Verdict;
}
