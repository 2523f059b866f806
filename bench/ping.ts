// Somebody who keeps asking whether the service is alive, over one connection, while it has something else to do.
import { Agent, get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** Asks with pauses of `pauseMs` until `work` has ended; gives how long each answer took, in ms. */
export async function pingDuring(url: string, work: Promise<unknown>, pauseMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const pings: number[] = [];
  const state = { done: false };
  const watched = work.finally(() => (state.done = true));
  while (!state.done) {
    pings.push(await ping(url, agent));
    await delay(pauseMs);
  }
  await watched;
  agent.destroy();
  return pings;
}

function ping(url: string, agent: Agent): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    get(`${url}/health/live`, { agent }, (answer) => {
      answer.resume().on("end", () => resolve(performance.now() - started));
    }).on("error", reject);
  });
}
