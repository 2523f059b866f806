// Uploads chains from scripts written in the test, and follows one pass through them.
import { vi } from "vitest";
import { isFinal } from "../../src/models/status.js";
import type { BatchConfigInput, BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { PATIENCE } from "./patience.js";
import { scriptZip } from "./scripts.js";

/** One batch of a chain: its config, and the lines of its script. */
export interface Member extends Omit<BatchConfigInput, "script"> {
  lines: string[];
}

export type Pass = Record<string, ExecutionView>;

/** Uploads these batches as one chain. */
export async function uploadChain(sdk: BatchlineClient, ...members: Member[]): Promise<void> {
  const made = await Promise.all(
    members.map(async ({ lines, ...config }) => ({
      config: { ...config, script: config.name },
      archive: [`${config.name}.zip`, await scriptZip(...lines)] as const,
    })),
  );
  await sdk.chains.create(
    Object.fromEntries(made.map(({ archive }) => archive)),
    made.map(({ config }) => config),
  );
}

/** Runs `head` with its successors, and gives every row of that pass by batch name once all have ended. */
export async function pass(sdk: BatchlineClient, head: string, args?: string[]): Promise<Pass> {
  return passOf(sdk, await sdk.batches.run(head, { successors: true, ...(args ? { args } : {}) }));
}

/** Every row of the pass that this execution belongs to, by batch name, once nothing of it is left to run. */
export async function passOf(sdk: BatchlineClient, { chainRunId }: ExecutionView): Promise<Pass> {
  if (chainRunId === null) throw new Error("This execution is not part of a chain run.");
  // A row ends and its successors appear in one transaction: when all rows have ended, none will come.
  return vi.waitFor(async () => {
    const { items } = await sdk.executions.list({ chainRun: chainRunId });
    const active = items.filter(({ status }) => !isFinal(status));
    if (active.length > 0) throw new Error(`${active.map(({ batchName }) => batchName).join(", ")} has not ended.`);
    return Object.fromEntries(items.map((row) => [row.batchName, row]));
  }, PATIENCE);
}

/** What became of each batch of a pass. */
export function statuses(rows: Pass): Record<string, string> {
  return Object.fromEntries(Object.entries(rows).map(([name, { status }]) => [name, status]));
}
