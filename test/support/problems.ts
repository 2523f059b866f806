// Reads the problem documents that refusals come with, and holds what all of them promise.
import { expect } from "vitest";
import { problemSchema, type Problem } from "../../src/models/problem.js";

/** What would tell of the machine or the program: absolute paths, stacks, a driver's or the loader's words. */
const LEAK = /\/tmp\/|\/home\/|node_modules|node:internal|\.[tj]s:\d|\\n\s+at |sqlite|typeorm|\bER_|errno/i;

/** The problem of a refused request, after a look at its form: media type, status, path, and nothing of the inside. */
export async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json\b/);
  const text = await response.text();
  expect(text).not.toMatch(LEAK);
  const problem = problemSchema.strict().parse(JSON.parse(text));
  expect(problem.status).toBe(response.status);
  expect(problem.instance).toBe(new URL(response.url).pathname);
  expect(problem.code).toMatch(/^[a-z]+(_[a-z0-9]+)*$/);
  expect(problem.detail).toMatch(/^[^a-z\s].*[^\s]$/s);
  return problem;
}
