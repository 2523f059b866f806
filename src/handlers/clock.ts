// The clock that everything asks for the time; tests give another one.

export interface Clock {
  /** UTC milliseconds since 1970. */
  now(): number;
  /** Calls `listener` whenever the clock was set; a clock that only runs never calls. Returns the way to stop that. */
  onSet(listener: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  onSet: () => () => undefined,
};
