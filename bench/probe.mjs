// Loaded into a measured service before its own code: tells the bench what only the process itself can know.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");
const loop = monitorEventLoopDelay({ resolution: 1 });
const toMs = (nanoseconds) => nanoseconds / 1e6;

const answers = {
  /** Begins to watch the event loop. */
  watch: () => {
    loop.reset();
    loop.enable();
    return null;
  },
  /** How long apart the turns of the event loop were since then: a timer of 1 ms, that millisecond included. */
  turns: () => {
    loop.disable();
    return { p50: toMs(loop.percentile(50)), p99: toMs(loop.percentile(99)), max: toMs(loop.max) };
  },
  /** MB of objects that are in use. */
  heap: () => {
    collectGarbage();
    return process.memoryUsage().heapUsed / 1024 ** 2;
  },
};

// The service's threads load this file too, and have nobody to answer.
if (process.channel) {
  process.on("message", (question) => process.send(answers[question]()));
  // A service that wants to end must not be kept from it by us.
  process.channel.unref();
}
