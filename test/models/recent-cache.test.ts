// The bounded memory: it keeps what is used, forgets what was used longest ago, and never keeps a failure.
import { describe, expect, it } from "vitest";
import { RecentCache } from "../../src/models/recent-cache.js";

function countingCache(limit: number) {
  const cache = new RecentCache<string, { key: string }>(limit);
  const made: string[] = [];
  const get = (key: string) =>
    cache.getOrMake(key, (key) => {
      made.push(key);
      return { key };
    });
  return { get, made };
}

describe("RecentCache", () => {
  it("makes a value once and then hands out the same one", () => {
    const { get, made } = countingCache(2);
    expect(get("a")).toBe(get("a"));
    expect(made).toEqual(["a"]);
  });

  it("forgets the key used longest ago when it is full", () => {
    const { get, made } = countingCache(2);
    for (const key of ["a", "b", "a", "c", "a", "b"]) get(key);
    expect(made).toEqual(["a", "b", "c", "b"]);
  });

  it("does not keep a failure", () => {
    const cache = new RecentCache<string, object>(2);
    const refuse = () => {
      throw new Error("refused");
    };
    expect(() => cache.getOrMake("a", refuse)).toThrow("refused");
    expect(cache.getOrMake("a", () => ({ made: true }))).toEqual({ made: true });
  });
});
