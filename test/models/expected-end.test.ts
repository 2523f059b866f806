// When a run is expected to end: by its own word from 5 % on, else by history, and never in the past.
import { expect, it } from "vitest";
import { expectedEnd } from "../../src/models/expected-end.js";

it.each([
  { percent: null, typicalMs: null, now: 10, end: null },
  { percent: null, typicalMs: 100, now: 10, end: 1100 },
  { percent: 4.9, typicalMs: 100, now: 10, end: 1100 },
  { percent: 4.9, typicalMs: null, now: 10, end: null },
  { percent: 5, typicalMs: 100, now: 10, end: 1200 },
  { percent: 50, typicalMs: null, now: 10, end: 1020 },
  { percent: 100, typicalMs: 100, now: 10, end: null },
  { percent: null, typicalMs: 100, now: 100, end: null },
  { percent: null, typicalMs: 0, now: 0, end: null },
])("$percent %, usually $typicalMs ms, after $now ms: $end", ({ percent, typicalMs, now, end }) => {
  expect(expectedEnd({ startedAt: 1000, percent, typicalMs }, 1000 + now)).toBe(end);
});
