// The batches that the torture uploads: every overlap policy, retries, a chain with a join, and late occurrences of each kind.
import type { BatchConfigInput } from "../../src/sdk/client.js";

/** A batch that nobody disables before the end, and one that is disabled and enabled all the time. */
export const PAUSED = "paused";
export const MANUAL = "manual";

const SECONDLY = "* * * * * *";

export const SINGLE: BatchConfigInput[] = [
  { name: "allow", cron: SECONDLY, overlap: "allow" },
  { name: "skip", cron: SECONDLY, overlap: "skip", misfire: "skip", misfireWithin: "5s" },
  { name: "queue", cron: "*/2 * * * * *", overlap: "queue", misfire: { policy: "catch_up", max: 5 } },
  { name: "replace", cron: "*/3 * * * * *", overlap: "replace" },
  { name: "retry", cron: "*/4 * * * * *", overlap: "allow", retry: { attempts: 3, delay: "1s" } },
  { name: "minutely", cron: "0 * * * * *", overlap: "allow", misfire: { policy: "catch_up", max: 10 } },
  { name: PAUSED, cron: SECONDLY, overlap: "allow" },
  { name: MANUAL, overlap: "queue" },
];

/** head, then two beside each other and one for its failure; the two meet again, and one more comes whatever happens. */
export const CHAIN: BatchConfigInput[] = [
  { name: "head", cron: "*/4 * * * * *", overlap: "allow" },
  { name: "left", after: ["head"], overlap: "allow" },
  { name: "right", after: ["head"], overlap: "allow", independent: true },
  { name: "mend", after: ["head"], overlap: "allow", runOn: "failure" },
  { name: "join", after: ["left", "right"], overlap: "queue", previousOutput: true },
  { name: "last", after: ["join"], overlap: "allow", independent: true },
];

export const SCHEDULED = [...SINGLE, ...CHAIN].filter(({ cron }) => cron !== undefined).map(({ name }) => name);
