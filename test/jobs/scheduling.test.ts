// From a planned instant to a log that can be downloaded.
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { scriptZip } from "../support/scripts.js";

it("runs a batch at its planned instant and keeps its log", async () => {
  const { sdk, clock, events } = await startApp();
  await sdk.batches.create(await scriptZip("echo hello"), { name: "greet", cron: "0 * * * *" });
  clock.advance({ hours: 1 });
  const { subject } = await events.next("execution.finished");
  expect(await sdk.executions.log(subject.id)).toBe("hello\n");
  expect(await sdk.executions.get(subject.id)).toMatchObject({
    status: "completed",
    source: "schedule",
    scheduledAt: "2026-12-01T13:00:00.000Z",
    trigger: { kind: "cron" },
    number: 1,
  });
});
