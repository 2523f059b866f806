// How long an execution waits for its next attempt.
import { describe, expect, it } from "vitest";
import { misfireSchema, retryDelayMs, retrySchema, type Retry } from "../../src/models/policies.js";

type RetryInput = Partial<Retry> & { attempts?: number };

const retryOf = (given: RetryInput): Retry => retrySchema.parse({ attempts: 5, ...given });

/** The delays after the first five attempts, in seconds. */
function delays(given: RetryInput, random = 0): number[] {
  return [1, 2, 3, 4, 5].map((failed) => retryDelayMs(retryOf(given), failed, random) / 1000);
}

describe("the delay before the next attempt", () => {
  it("is ten seconds if nothing is said, the same after each", () => {
    expect(delays({}, 0.9)).toEqual([10, 10, 10, 10, 10]);
  });

  it("doubles with each attempt if it is exponential, up to its cap", () => {
    expect(delays({ backoff: "exponential", delay: "2s", maxDelay: "15s" })).toEqual([2, 4, 8, 15, 15]);
  });

  it("has a cap if it is fixed too, and an hour is the cap if none is given", () => {
    expect(delays({ delay: "30s", maxDelay: "20s" })).toEqual(Array(5).fill(20));
    expect(delays({ delay: "20m", backoff: "exponential" })).toEqual([1200, 2400, 3600, 3600, 3600]);
  });

  it("is shortened by chance, by nothing up to a half, after the cap has been applied", () => {
    const given = { backoff: "exponential", delay: "2s", maxDelay: "4s" } as const;
    expect(delays(given, 0)).toEqual([2, 4, 4, 4, 4]);
    expect(delays(given, 0.5)).toEqual([1.5, 3, 3, 3, 3]);
    expect(delays(given, 1)).toEqual([1, 2, 2, 2, 2]);
  });

  it("is shortened by chance only if told so, or if it is exponential and nothing is said", () => {
    expect(delays({ jitter: true }, 1)).toEqual(Array(5).fill(5));
    expect(delays({ jitter: false, backoff: "exponential", delay: "1s" }, 1)).toEqual([1, 2, 4, 8, 16]);
  });

  it("is a whole number of milliseconds, also after very many attempts", () => {
    expect(retryDelayMs(retryOf({ jitter: true, delay: "7ms" }), 1, 0.3)).toBe(6);
    const longest = retryOf({ attempts: 100, backoff: "exponential", maxDelay: "366d" });
    expect(retryDelayMs(longest, 99, 0)).toBe(366 * 86_400_000);
  });
});

describe("a retry", () => {
  it.each([
    ["no attempt at all", { attempts: 0 }],
    ["too many attempts", { attempts: 101 }],
    ["a success as a failure", { attempts: 2, exitCodes: [0] }],
    ["no exit code at all", { attempts: 2, exitCodes: [] }],
    ["no duration", { attempts: 2, delay: "soon" }],
    ["a key that there is not", { attempts: 2, times: 3 }],
  ])("cannot ask for %s", (_, retry) => {
    expect(retrySchema.safeParse(retry).success).toBe(false);
  });
});

describe("a misfire policy", () => {
  it("is a word, or an object with its bounds", () => {
    const bounded = { policy: "catch_up", window: "6h", max: 10 };
    for (const policy of ["fire_once", "skip", "catch_up", bounded])
      expect(misfireSchema.parse(policy)).toEqual(policy);
  });

  it.each(["latest", { policy: "catch_up", max: 0 }, { policy: "catch_up", max: 1001 }, { window: "6h" }])(
    "cannot be %j",
    (policy) => {
      expect(misfireSchema.safeParse(policy).success).toBe(false);
    },
  );
});
