// A service that is killed while it is fired at: what it has answered with 202 is there, and what has a key is there once.
import { expect, it } from "vitest";
import { startApp } from "../support/app.js";
import { startServiceProcess, type ServiceProcess } from "../support/service-process.js";
import { scriptZip } from "../support/scripts.js";

const WAVES = 3;
const AT_ONCE = 8;

/** Fires with keys of its own until the service is gone; gives what was answered, and the keys of what was not. */
async function fireUntilGone({ sdk }: ServiceProcess, wave: number, onAnswer: () => void) {
  const answered: { eventId: number; executionId: number }[] = [];
  const unheard: string[] = [];
  let next = 0;
  const shoot = async () => {
    for (;;) {
      const key = `${wave}-${next++}`;
      const answer = await sdk.triggers.fire(1, { key }, { idempotencyKey: key }).catch(() => null);
      if (!answer) return void unheard.push(key);
      answered.push({ eventId: answer.eventId, executionId: answer.execution?.id ?? 0 });
      onAnswer();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, shoot));
  return { answered, unheard };
}

it("loses nothing that it has accepted, and carries nothing out twice", async () => {
  const app = await startApp({ MAX_QUEUED: "100000" });
  await app.stop();
  let service = await startServiceProcess(app.config);
  await service.sdk.batches.create(await scriptZip("true"), { name: "batch", overlap: "allow" });
  await service.sdk.triggers.create({ name: "hook", kind: "api", batch: "batch" });
  const accepted: { eventId: number; executionId: number }[] = [];
  const again: string[] = [];
  for (let wave = 0; wave < WAVES; wave++) {
    let left = 20;
    let dying: Promise<void> | undefined;
    const doomed = service;
    const { answered, unheard } = await fireUntilGone(doomed, wave, () => {
      if (--left === 0) dying = doomed.kill("SIGKILL");
    });
    await dying;
    accepted.push(...answered);
    again.push(...unheard);
    service = await startServiceProcess(app.config);
  }
  // Whoever heard nothing asks again with its key: carried out or not before, it is there once then.
  for (const key of again) {
    const { eventId, execution } = await service.sdk.triggers.fire(1, { key }, { idempotencyKey: key });
    accepted.push({ eventId, executionId: execution?.id ?? 0 });
  }
  for (const { eventId, executionId } of accepted) {
    expect(await service.sdk.events.get(eventId)).toMatchObject({ kind: "trigger.fired", executionId });
    expect(await service.sdk.executions.get(executionId)).toMatchObject({ source: "api", trigger: { id: 1 } });
  }
  expect(new Set(accepted.map(({ executionId }) => executionId)).size).toBe(accepted.length);
  expect(accepted.length).toBeGreaterThanOrEqual(WAVES * 20);
  let count = 0;
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await service.sdk.executions.list({ batch: "batch", limit: 200, ...(cursor ? { cursor } : {}) });
    count += page.items.length;
    cursor = page.next;
  }
  expect(count).toBe(accepted.length);
});
