// Corners of stopping, naming and catching up: early stops, deaf children, long names, long absences.
import { expect, it } from "vitest";
import { Database } from "../../src/database/database.js";
import { Execution } from "../../src/entities/execution.js";
import { identify } from "../../src/handlers/process/process-identity.js";
import { startApp } from "../support/app.js";
import { pass, statuses } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow, finalRows } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";

it("cancels a run that has been claimed but has not begun yet", async () => {
  const { sdk, app } = await startApp();
  const gate = await Gate.make();
  await sdk.batches.create(await scriptZip(gate.pass()), { name: "batch", killAfter: "1h" });
  app.events.subscribe(({ kind, subject }) => {
    if (kind === "execution.started") void sdk.executions.cancel(subject.id);
  });
  for (let round = 0; round < 5; round++) {
    expect((await finalRow(sdk, await sdk.batches.run("batch"))).status).toBe("cancelled");
  }
});

it("replace: cancels a run that has only just been asked for", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  await sdk.batches.create(await scriptZip(gate.pass("$1")), { name: "batch", overlap: "replace", killAfter: "1h" });
  // Sent at once, they may come in any order.
  const runs = ["one", "two", "three"].map((word) => sdk.batches.run("batch", { args: [word] }));
  const last = (await Promise.all(runs)).find(({ number }) => number === 3)?.args[0];
  while ((await gate.arrival()) !== last);
  gate.open();
  const rows = await finalRows(sdk, "batch", 3);
  expect(rows.map(({ status }) => status)).toEqual(["cancelled", "cancelled", "completed"]);
});

it("leaves no process of a stopped run, though the script itself ended at TERM and its child ignores it", async () => {
  const { sdk } = await startApp();
  const child = "(trap '' TERM; exec sleep 20) >/dev/null 2>&1 & echo $!";
  const config = { name: "batch", timeout: "600ms", killAfter: "200ms" };
  await sdk.batches.create(await scriptZip(child, "wait"), config);
  const row = await finalRow(sdk, await sdk.batches.run("batch"));
  const pid = Number(await sdk.executions.log(row.id));
  await expect.poll(() => identify(pid), { ...PATIENCE, timeout: 3000 }).toBeNull();
});

it("does not start, after a restart, what was cancelled before it began", async () => {
  const first = await startApp({ CONCURRENCY: "1" });
  const gate = await Gate.make();
  await first.sdk.batches.create(await scriptZip(gate.pass("$1")), { name: "batch", overlap: "queue" });
  await first.sdk.batches.run("batch", { args: ["one"] });
  await gate.arrival();
  const { id } = await first.sdk.batches.run("batch", { args: ["two"] });
  await first.stop();
  const database = await Database.open(first.config.databaseUrl);
  const claim = { status: "stopping", stopAs: "cancelled", attempt: 1, startedAt: first.clock.now() } as const;
  await database.write(({ manager }) => manager.update(Execution, { id }, claim));
  await database.close();
  const { sdk } = await first.restart();
  gate.open(3);
  const row = await finalRow(sdk, { id });
  expect(row).toMatchObject({ status: "cancelled", exitCode: null });
  await sdk.batches.run("batch", { args: ["three"] });
  expect(await gate.arrival()).toBe("three");
});

it("hands down the output of a batch with the longest name in any script", async () => {
  const { sdk } = await startApp();
  const name = "日".repeat(128);
  await sdk.batches.create(await scriptZip("echo hi"), { name });
  await sdk.batches.attach(name, await scriptZip('cat "$1"'), { name: "next", previousOutput: true });
  expect(statuses(await pass(sdk, name))).toMatchObject({ next: "completed" });
});

it("records every one of very many overdue occurrences, and runs the latest", async () => {
  const { sdk, clock } = await startApp();
  await sdk.batches.create(await scriptZip("true"), { name: "batch", cron: "* * * * * *" });
  clock.advance({ hours: 1 });
  const completed = () => sdk.executions.list({ batch: "batch", status: "completed" });
  await expect.poll(async () => (await completed()).items.length, PATIENCE).toBe(1);
  expect((await completed()).items[0]).toMatchObject({ scheduledAt: "2026-12-01T13:00:00.000Z", number: 3600 });
});
