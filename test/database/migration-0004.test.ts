// The fourth migration on a database that is in use: triggers and events keep what they have, and come back down with it.
import { expect, it } from "vitest";
import { sourceAt } from "../support/migrated-source.js";

const AT = 1_796_126_400_000;

it("keeps every trigger and event, and says of events what they have to do with", async () => {
  const { source, up, back, insert } = await sourceAt(3);
  const rowsOf = (sql: string) => source.query<Record<string, unknown>[]>(sql);
  const stamps = { createdAt: AT, updatedAt: AT };
  const names = { name: "b", foldedName: "b", nameKey: "key", description: "", config: "{}" };
  await insert("batches", { id: 3, ...names, version: 1, enabled: 1, executionCount: 1, revision: 1, ...stamps });
  const schedule = { expression: "0 * * * *", timeZone: "Europe/Oslo", dst: "skip", nextAt: AT + 1, gapFrom: null };
  await insert("triggers", { id: 4, batchId: 3, kind: "cron", ...schedule, version: 2, createdAt: AT });
  const run = { status: "completed", source: "api", actor: "{}", attempt: 1, args: "[]", inputs: "[]" };
  const log = { logTruncated: 0, errorLogTruncated: 0, queuedAt: AT };
  await insert("executions", { id: 7, number: 1, batchId: 3, batchName: "b", version: 1, ...run, ...log });
  const event = { occurredAt: AT, source: "api", actor: "{}", payload: "{}", subjectName: "b" };
  await insert("events", { id: 8, kind: "batch.uploaded", subjectType: "batch", subjectId: 3, ...event });
  await insert("events", { id: 9, kind: "execution.finished", subjectType: "execution", subjectId: 7, ...event });

  await up();
  const [trigger] = await rowsOf("SELECT * FROM triggers");
  expect(trigger).toMatchObject({ id: 4, batchId: 3, kind: "cron", expression: "0 * * * *", dst: "skip", version: 2 });
  const numbers = ["nextAt", "createdAt", "updatedAt", "ofConfig", "enabled", "test", "revision"];
  expect(numbers.map((name) => Number(trigger?.[name]))).toEqual([AT + 1, AT, AT, 1, 1, 0, 1]);
  expect(await rowsOf("SELECT id, batchId, executionId FROM events ORDER BY id")).toEqual([
    { id: 8, batchId: 3, executionId: null },
    { id: 9, batchId: 3, executionId: 7 },
  ]);
  await insert("triggers", { kind: "api", timeZone: "UTC", dst: "skip", createdAt: AT, ofConfig: 0, name: "hook" });

  await back();
  // What runs no batch has no place in the schema before.
  expect(await rowsOf("SELECT id, batchId, version FROM triggers")).toEqual([{ id: 4, batchId: 3, version: 2 }]);
  expect(await rowsOf("SELECT id, subjectId FROM events ORDER BY id")).toHaveLength(2);
  await expect(insert("triggers", { kind: "api", timeZone: "UTC", dst: "skip", createdAt: AT })).rejects.toThrow();
});
