// The config as a person would write it: short, and meaning the same.
import { expect, it } from "vitest";
import { parseBatchConfig, type BatchConfig, type BatchConfigInput } from "../../src/models/batch-config.js";
import { writtenConfig } from "../../src/models/written-config.js";

const NOW = Date.UTC(2026, 11, 1, 12);

function parsed(config: unknown, now = NOW): BatchConfig {
  const result = parseBatchConfig(config, "", now);
  if (!result.ok) throw new Error(JSON.stringify(result.faults));
  return result.config;
}

it.each<BatchConfigInput>([
  { name: "a" },
  { name: "UTC", timeZone: "Europe/Berlin", every: { frequency: "daily", at: "02:30" }, dst: "both" },
  { name: "a", description: "Copies", cron: "30 2 * * *", args: ["a b", ""], env: { MODE: "full" }, script: "a" },
  { name: "a", independent: true, previousOutput: true, after: ["b"], timeout: "6h", killAfter: "1m" },
  { name: "a", overlap: "allow", concurrency: 3, warningExitCodes: [3], leftovers: "keep", misfireWithin: "5m" },
  { name: "a", misfire: { policy: "catch_up", max: 3 }, requires: ["b"], excludes: ["c"], waitFor: ["d"] },
  { name: "a", at: "2026-12-01T12:00:00.001Z", runOn: "always" },
])("gives back what was written: %j", (written) => {
  const config = parsed(written);
  expect(writtenConfig(config, NOW)).toEqual(written);
  expect(parsed(writtenConfig(config, NOW))).toEqual(config);
});

it("keeps a policy whole, with what was filled in", () => {
  const config = parsed({ name: "a", retry: { attempts: 3 } });
  expect(writtenConfig(config, NOW)).toEqual({ name: "a", retry: config.retry });
  expect(parsed(writtenConfig(config, NOW))).toEqual(config);
});

it("leaves out an instant that has passed, which no upload would be taken with", () => {
  const config = parsed({ name: "a", at: "2026-12-01T12:00:00Z" }, NOW - 1);
  expect(writtenConfig(config, NOW)).toEqual({ name: "a" });
});
