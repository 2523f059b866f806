// The README's tutorial: its lines are run as they stand there, by bash and curl, against a real service.
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { ADMIN_TOKEN, startApp } from "./support/app.js";

const SECTION = "### From a mistake to version 2, and back";
const BETWEEN = "-- next block --";
/** What the lines call, and the Debian package that brings it. */
const PROGRAMS = { bash: "bash", curl: "curl", zip: "zip", cmp: "diffutils", sed: "sed" };

function expectPrograms(): void {
  for (const [program, debian] of Object.entries(PROGRAMS)) {
    const { status } = spawnSync("sh", ["-c", `command -v ${program}`]);
    expect(status, `The tutorial needs the program ${program}: install the Debian package ${debian}.`).toBe(0);
  }
}

/** The blocks of shell lines of one section of the README. */
async function blocks(): Promise<string[]> {
  const readme = await readFile("README.md", "utf8");
  const section = readme.slice(readme.indexOf(SECTION) + SECTION.length).split(/^### /m)[0] ?? "";
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
}

it("takes a person with curl from three faults at once to version 2, and back to version 1", async () => {
  expectPrograms();
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-tutorial-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { app, sdk } = await startApp();
  const lines = await blocks();
  expect(lines).toHaveLength(6);
  const env = { PATH: process.env["PATH"], TOKEN: ADMIN_TOKEN, API: `${app.url}/api/v1` };
  const script = lines.join(`\necho; echo '${BETWEEN}'\n`);
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, env });
  const [faults = "", made = "", second = "", edited = "", back = "", rerun = ""] = stdout.split(BETWEEN);
  const [found = "", status] = faults.trim().split("\n");
  expect(status).toBe("422");
  const report = JSON.parse(found) as {
    ok: boolean;
    findings: { code: string; pointer: string | null; line: number }[];
  };
  expect(report.ok).toBe(false);
  expect(report.findings).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ code: "invalid_config", pointer: "/cron" }),
      expect.objectContaining({ code: "invalid_config", pointer: "/tiemout" }),
      expect.objectContaining({ code: "bash_syntax", file: "script.sh" }),
      expect.objectContaining({ code: "no_strict_mode", level: "warning" }),
    ]),
  );
  const twice = made.trim();
  expect(twice.slice(0, twice.length / 2)).toBe(twice.slice(twice.length / 2));
  expect(made).toContain('"name":"greet"');
  expect(second).toContain('"version":2');
  expect(second).toContain('-  echo "Hello, version 1"\n+  echo "Hello, version 2"\n');
  expect(second).toMatch(/^Hello, version 2$/m);
  expect(edited).toContain('"cron":"30 6 * * *"');
  expect(back).toContain("the same");
  expect(JSON.parse(rerun)).toMatchObject({ version: 2, configRevision: 1, rerunOf: expect.any(Number) as number });
  const batch = await sdk.batches.get("greet");
  expect(batch).toMatchObject({ version: 1, configRevision: 2, config: { timeZone: "Europe/Berlin" } });
  expect((await sdk.batches.list()).items).toHaveLength(1);
});
