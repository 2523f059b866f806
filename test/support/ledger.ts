// The ledger as tests read it: asks until rows have ended, since a row may have ended before anybody could listen.
import { vi } from "vitest";
import { isFinal } from "../../src/models/status.js";
import type { BatchlineClient, ExecutionView } from "../../src/sdk/client.js";
import { PATIENCE } from "./patience.js";

/** The execution once it has ended. */
export function finalRow(sdk: BatchlineClient, { id }: { id: number }): Promise<ExecutionView> {
  return vi.waitFor(async () => {
    const row = await sdk.executions.get(id);
    if (!isFinal(row.status)) throw new Error(`Execution ${id} has not ended: ${row.status}.`);
    return row;
  }, PATIENCE);
}

/** All rows of a batch, oldest first, once there are `count` or more and every one has ended. */
export function finalRows(sdk: BatchlineClient, batch: string | number, count: number): Promise<ExecutionView[]> {
  return vi.waitFor(async () => {
    const { items } = await sdk.executions.list({ batch, limit: 200 });
    const words = items.map(({ status }) => status);
    if (items.length < count) throw new Error(`Of ${count} rows there are only ${words.length}: ${words.join(", ")}.`);
    if (!words.every(isFinal)) throw new Error(`Not all rows have ended: ${words.join(", ")}.`);
    return items.reverse();
  }, PATIENCE);
}
