// The hostile list, walked through a real service: each refused in its words, and nothing left behind by any.
import { describe, expect, it } from "vitest";
import { startApp, type TestApp } from "../support/app.js";
import { keptReader } from "../support/everything-kept.js";
import { problemOf } from "../support/problems.js";
import { bytesOf } from "../support/uploads.js";
import { HOOK } from "./triggers.js";
import { BASE, GOOD_ZIP, HOSTILE, HOSTILE_GROUPS, type HostileInput } from "./index.js";

async function expectRefused(app: TestApp, { status, code, place, says, request }: HostileInput): Promise<void> {
  const { path, headers, body } = await request();
  const problem = await problemOf(await app.request(path, { method: "POST", headers, body: bytesOf(body) }));
  expect({ status: problem.status, code: problem.code }, problem.detail).toEqual({ status, code });
  if (place !== undefined) expect(problem.errors.map(({ pointer }) => pointer)).toContain(place);
  if (says) expect([problem.detail, ...problem.errors.map(({ message }) => message)].join("\n")).toMatch(says);
}

describe("the hostile list", () => {
  const walked: HostileInput[] = [];

  it.each(Object.entries(HOSTILE_GROUPS))(
    "%s: each is refused, and folders and tables stay",
    async (_, inputs) => {
      const app = await startApp();
      await app.sdk.batches.create(bytesOf(GOOD_ZIP), { name: BASE });
      await app.sdk.triggers.create(HOOK);
      const kept = await keptReader(app);
      const before = await kept();
      for (const input of inputs) {
        try {
          await expectRefused(app, input);
          expect(await kept()).toEqual(before);
        } catch (cause) {
          throw new Error(`${input.title}: ${String(cause)}`, { cause });
        }
        walked.push(input);
      }
    },
    60_000,
  );

  it("has been walked as a whole, and holds no input twice", () => {
    console.log(`${walked.length} hostile inputs refused, nothing left behind`);
    expect(walked).toHaveLength(HOSTILE.length);
    expect(new Set(HOSTILE.map(({ title }) => title)).size).toBe(HOSTILE.length);
  });
});
