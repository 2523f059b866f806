// The page on triggers: its lines are run as they stand there, by bash and curl, and the events tell the story.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../src/handlers/clock.js";
import { ADMIN_TOKEN, startApp } from "./support/app.js";
import type { FakeClock } from "./support/fake-clock.js";

const BETWEEN = "-- next block --";

it("makes, fires, edits, tries out and deletes triggers of each kind", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-triggers-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  // The lines sign with the machine's own clock.
  const { app, sdk, events } = await startApp({}, systemClock as unknown as FakeClock);
  const page = await readFile("docs/triggers.md", "utf8");
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
  const env = { PATH: process.env["PATH"], TOKEN: ADMIN_TOKEN, API: `${app.url}/api/v1` };
  const script = blocks.join(`\necho; echo '${BETWEEN}'\n`);
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, env });
  const [, api = "", byToken = "", signed = "", , cron = "", tried = ""] = stdout.split(BETWEEN);
  expect(api).toMatch(/"status":"completed".*"code":"payload_invalid".*"pointer":"\/payload\/id"/s);
  expect(byToken).toMatch(/"token":"bt_1_.*"eventId":\d+/s);
  expect(signed).toMatch(/"secret":"bs_.*"eventId":\d+.*"code":"replayed"/s);
  expect(cron).toMatch(/"cron":"0 7 \* \* 1-5".*"nextRuns":\[\].*"name":"tick"/s);
  expect(tried).toMatch(/"test":true.*"status":"completed".*trigger\.deleted/s);
  expect((await sdk.triggers.list({ test: "all" })).items.map(({ name }) => name)).toEqual(["tick", "new patient"]);
  const story = events.seen.filter(({ kind }) => /^(trigger|token)\./.test(kind));
  expect(story.map(({ kind, subject, test }) => [kind, subject.name, test])).toEqual([
    ["trigger.created", "new patient", false],
    ["trigger.fired", "new patient", false],
    ["token.made", "new patient", false],
    ["trigger.fired", "new patient", false],
    ["token.revoked", "new patient", false],
    ["token.made", "new patient", false],
    ["trigger.fired", "new patient", false],
    ["trigger.created", "new year", false],
    ["trigger.created", "weekdays", false],
    ["trigger.edited", "weekdays", false],
    ["trigger.edited", "weekdays", false],
    ["trigger.edited", "tick", false],
    ["trigger.created", "trial", true],
    ["trigger.fired", "trial", true],
    ["trigger.deleted", "trial", true],
    ["trigger.deleted", "new year", false],
  ]);
});
