// What the queue tells whoever acts upon it.
import type { Execution } from "../entities/execution.js";

/** Told after the commit. */
export interface QueueListener {
  /** Something may be claimed. */
  onQueued(): void;
  /** Something may be claimed from this instant on. */
  onRetry(at: number): void;
  /** These executions are now running in our name: we must run them. */
  onClaimed(executions: Execution[]): void;
  /** The script of this execution, which another process may look after, is to be ended. */
  onStopping(execution: Execution): void;
  /** Executions have ended or begun to wait: those that wait must be looked at. */
  onSettled(executions: Execution[]): void;
}
