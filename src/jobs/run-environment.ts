// What a script is told: its BATCHLINE_ variables beside its own and the inherited ones.
import path from "node:path";
import type { Execution } from "../entities/execution.js";
import type { RunProcesses } from "../handlers/process/process-tree.js";
import { readStatus, type RunStatus } from "../handlers/process/run-folder.js";
import { inputNameOf, type RunPaths } from "../handlers/workspace.js";
import type { BatchConfig } from "../models/batch-config.js";
import { toInstant } from "../models/shapes.js";

interface Surroundings {
  paths: RunPaths;
  stateFolder: string;
  /** The part of the service's own environment that scripts may see. */
  inherited: Record<string, string>;
  /** The predecessors' results. */
  results: Record<string, string>;
}

/** The environment of one attempt: inherited, then the config's, then ours, which nothing can replace. */
export function environmentOf(execution: Execution, config: BatchConfig, around: Surroundings): Record<string, string> {
  const { paths } = around;
  const own: Record<string, string | null> = {
    BATCHLINE_BATCH: execution.batchName,
    BATCHLINE_EXECUTION_ID: String(execution.id),
    BATCHLINE_ATTEMPT: String(execution.attempt),
    BATCHLINE_CHAIN_RUN_ID: execution.chainRunId === null ? null : String(execution.chainRunId),
    BATCHLINE_SCHEDULED_AT: toInstant(execution.nominalAt ?? execution.scheduledAt),
    BATCHLINE_VERSION: String(execution.version),
    BATCHLINE_STATE: around.stateFolder,
    BATCHLINE_PROGRESS: paths.progress,
    BATCHLINE_RESULT: paths.result,
    BATCHLINE_PAYLOAD: execution.payload === null ? null : paths.payload,
    BATCHLINE_PREVIOUS_OUTPUT: previousOutputs(execution, paths).at(-1) ?? null,
    BATCHLINE_PREVIOUS_OUTPUTS: execution.inputs.length > 0 ? paths.inputs : null,
  };
  const handedDown = Object.entries(around.results).map(
    ([name, value]) => [`BATCHLINE_RESULT_${name}`, value] as const,
  );
  const given = Object.entries(own).filter((pair): pair is [string, string] => pair[1] !== null);
  return { ...around.inherited, ...config.env, ...Object.fromEntries(handedDown), ...Object.fromEntries(given) };
}

/** The predecessors' outputs as the script sees them: one path each, in link order. */
export function previousOutputs(execution: Execution, paths: RunPaths): string[] {
  return execution.inputs.map((input) => path.join(paths.inputs, inputNameOf(input)));
}

/** How the processes of a run are known, as far as its status tells. */
export function processesOf(paths: RunPaths, status: RunStatus = readStatus(paths.runFolder)): RunProcesses {
  const known = status.state === "running" || status.state === "starting" || status.state === "exit" ? status : null;
  // The cookie marks every process of the run, however far it has wandered: the one variable that no other run has.
  return { script: known?.script ?? null, worker: known?.worker ?? null, cookie: `BATCHLINE_RESULT=${paths.result}` };
}
