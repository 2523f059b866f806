// A breather: lets other work of the process go on between the portions of a long computation.
import { setImmediate } from "node:timers/promises";

/** So long one portion may hold up everything else, about. */
const PORTION_MS = 8;

export class Breather {
  private since = performance.now();

  /** Asks for a rest; it is taken only where the portion has been long enough. */
  rest = async (): Promise<void> => {
    if (!this.due()) return;
    await setImmediate();
    this.since = performance.now();
  };

  /** True if a rest would be taken: spares a loop of many small steps the waiting. */
  due(): boolean {
    return performance.now() - this.since >= PORTION_MS;
  }
}
