// What is told of bash's complaints: where, in plain words, and how to mend it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { checkScriptSyntax } from "../../../src/handlers/artifact-store/script-syntax.js";
import type { Finding } from "../../../src/models/finding.js";

async function findingsOn(script: string): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), "script-syntax-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "script.sh"), script);
  return checkScriptSyntax(folder);
}

it("says nothing of a script that bash understands", async () => {
  expect(await findingsOn("set -euo pipefail\necho hello\n")).toEqual([]);
});

it.each<[string, number, RegExp, RegExp]>([
  ["echo\nfi\n", 2, /line 2: it does not expect fi there\./, /too much, or missing/],
  ["for x in a; do echo; done done\n", 1, /does not expect done there/, /too much, or missing/],
  ["ls |\n|\n", 2, /does not expect \| there/, /too much, or missing/],
  ["if true; then\n", 2, /ends in the middle of a command/, /if without fi/],
  ["echo 'abc\n", 1, /the closing ' never comes/, /Close what is open/],
  ["echo $(ls\n", 2, /the closing \) never comes/, /Close what is open/],
  ["[[ a = b\n", 1, /the closing ]] never comes/, /Close what is open/],
  ["[[ a = b c ]]\n", 1, /it says ".*conditional expression.*"/, /bash -n script\.sh/],
  ["echo )\u001b[2J\n", 1, /^[^\u001b]*$/, /^[^\u001b]*$/],
])("tells of the fault in %j", async (script, line, message, fix) => {
  const [finding, ...more] = await findingsOn(script);
  expect(more).toEqual([]);
  expect(finding).toMatchObject({ level: "error", code: "bash_syntax", file: "script.sh", line, pointer: null });
  expect(finding?.message).toMatch(message);
  expect(finding?.message).toMatch(/^Bash does not understand script\.sh in line \d+: .*\.$/);
  expect(finding?.fix).toMatch(fix);
});

it("only warns of what stands behind the end of the script: bash never reads that", async () => {
  expect(await findingsOn("echo\nexit 0\n)(data\n")).toMatchObject([{ level: "warning", line: 3 }]);
  expect(await findingsOn("exit\n)(data\n")).toMatchObject([{ level: "warning", line: 2 }]);
  expect(await findingsOn("if false; then\n  exit\nfi\n)(\n")).toMatchObject([{ level: "error", line: 4 }]);
  expect(await findingsOn("exits=1\n)(\n")).toMatchObject([{ level: "error", line: 2 }]);
  expect(await findingsOn(")(\nexit\n")).toMatchObject([{ level: "error", line: 1 }]);
});

it("only warns of a text that never ends, and of a script that bash cannot read to its end", async () => {
  const [doubt] = await findingsOn("cat <<EOF\nhello\n");
  expect(doubt).toMatchObject({ level: "warning", code: "bash_syntax", line: 2 });
  expect(doubt?.message).toContain("no line holds EOF alone");
  const [unknown] = await findingsOn("$(".repeat(100_000));
  expect(unknown).toMatchObject({ level: "warning", code: "bash_syntax", line: null });
});
