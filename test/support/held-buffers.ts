// The memory of buffers that somebody holds: what merely waits for the collector does not count.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes of buffers in this process, after a collection. */
export function heldBuffers(): number {
  // The first one only begins to give buffers back.
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}
