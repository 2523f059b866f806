// The rounds: every second a service process looks at what another one may have changed, left to it, or left behind.
import type { Logger } from "../handlers/logger.js";

export interface Rounds {
  close(): Promise<void>;
}

const EVERY_MS = 1000;

/**
 * Calls all of `stations` every second of real time, whatever the clock says; not again before it has come back from all.
 *
 * @param stations by what they are for, in words for the server log
 */
export function makeRounds(stations: Record<string, () => Promise<void>>, logger: Logger): Rounds {
  let under: Promise<unknown> | null = null;
  const visit = async ([name, look]: [string, () => Promise<void>]) => {
    try {
      await look();
    } catch (error) {
      logger.error({ err: error, round: name }, "a look round failed; there is another one in a second");
    }
  };
  const timer = setInterval(() => {
    under ??= Promise.all(Object.entries(stations).map(visit)).finally(() => (under = null));
  }, EVERY_MS).unref();
  return {
    close: async () => {
      clearInterval(timer);
      await under;
    },
  };
}
