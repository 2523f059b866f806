// Bash is asked about scripts it must not run, some of them made to keep it busy for ever.
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { checkSyntax, type BashVerdict } from "../../../src/handlers/process/bash-syntax.js";
import { listProcesses, readCommand } from "../../../src/handlers/process/process-list.js";

async function verdictOn(script: string | Buffer, timeoutMs?: number): Promise<BashVerdict> {
  const folder = await mkdtemp(join(tmpdir(), "bash-syntax-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "script.sh"), script);
  const verdict = await checkSyntax(folder, "script.sh", timeoutMs);
  expect(await readdir(folder), "nothing was run").toEqual(["script.sh"]);
  return verdict;
}

it.each([
  "echo hello\n",
  "touch here\n$(touch there)\n",
  "shopt -s extglob\nls !(a|b) +([0-9])\ncase x in @(x|y)) echo;; esac\n",
  "cat <<'EOF'\n)) fi ((\nEOF\n",
  "echo '\xff\xfe'\n",
  "# nothing but a comment",
])("understands %j", async (script) => {
  expect(await verdictOn(Buffer.from(script, "latin1"))).toEqual({ kind: "understood" });
});

it.each<[string, number, RegExp]>([
  ["echo\nfi\n", 2, /unexpected token `fi'/],
  ["if true; then\n  echo\n", 3, /unexpected end of file/],
  ['echo "never closed\n', 1, /matching `"'/],
  ["shopt -s extglob\nls !(a|b)\ndone\n", 3, /unexpected token `done'/],
])("finds the fault in %j", async (script, line, complaint) => {
  const verdict = await verdictOn(script);
  expect(verdict).toEqual({ kind: "fault", line, complaint: expect.stringMatching(complaint) as string });
});

it("tells of a text that never ends as a doubt", async () => {
  expect(await verdictOn("cat <<EOF\nhello\n")).toMatchObject({ kind: "doubt", line: 2 });
});

it("is not led astray by the service's own environment", async () => {
  vi.stubEnv("BASH_ENV", "/dev/stdin");
  vi.stubEnv("LC_ALL", "de_DE.UTF-8");
  vi.stubEnv("SHELLOPTS", "xtrace");
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await verdictOn("fi\n")).toMatchObject({
    kind: "fault",
    complaint: "syntax error near unexpected token `fi'",
  });
});

const MB = 1_000_000;

it.each<[string, string, BashVerdict["kind"]]>([
  ["10 MB of brackets", "(".repeat(10 * MB), "fault"],
  ["brackets inside each other until the stack is full", "$(".repeat(100_000), "unknown"],
  ["one line that takes more memory than there is", "a;".repeat(8 * MB), "unknown"],
  ["a text of megabytes that never ends", `cat <<EOF\n${"x\n".repeat(5 * MB)}`, "doubt"],
  ["a huge word that does not belong there", `case x in esac ${"y".repeat(5 * MB)}\n`, "fault"],
  ["ten thousand texts inside each other", "cat <<E\n".repeat(10_000), "doubt"],
])("comes to an end with %s", async (_, script, kind) => {
  expect((await verdictOn(script)).kind).toBe(kind);
});

it("is stopped by the clock, and nothing stays", async () => {
  const children = async () =>
    (await listProcesses(() => null)).filter(({ parent, pid }) => {
      return parent === process.pid && readCommand(pid).startsWith("bash");
    });
  const others = new Set((await children()).map(({ pid }) => pid));
  expect(await verdictOn("a\n".repeat(8 * MB), 20)).toEqual({ kind: "unknown" });
  expect((await children()).filter(({ pid }) => !others.has(pid))).toEqual([]);
});

it("does not mind that there is no such script", async () => {
  expect(await checkSyntax(join(tmpdir(), "not-there"), "script.sh")).toEqual({ kind: "unknown" });
});
