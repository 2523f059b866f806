// What is said of the text of script.sh, without asking bash.
import { describe, expect, it } from "vitest";
import type { FindingCode } from "../../../src/handlers/artifact-store/findings.js";
import { checkScript } from "../../../src/handlers/artifact-store/script-text.js";
import type { Finding } from "../../../src/models/finding.js";

const STRICT = "set -euo pipefail\n";

/** Findings of this kind. */
function found(script: string, code: FindingCode): Finding[] {
  return checkScript(Buffer.from(script)).filter((finding) => finding.code === code);
}

describe("what bash would fail on", () => {
  it("names the first line with a Windows line end", () => {
    expect(found("one\ntwo\nthree\r\nfour\r\n", "script_line_ends")).toMatchObject([{ line: 3 }]);
  });

  it("finds everything at once", () => {
    const codes = checkScript(Buffer.from("\uFEFF#!/bin/zsh\r\necho\r\n")).map(({ code }) => code);
    expect(codes).toEqual(["script_encoding", "script_line_ends", "shebang_ignored", "no_strict_mode"]);
  });

  const utf16 = Buffer.from("\uFEFFecho hello\n", "utf16le");

  it.each<[string, FindingCode, Buffer, RegExp]>([
    ["Windows line ends", "script_line_ends", Buffer.from(`${STRICT}\r\n`), /sed -i 's\/\\r\$\/\/' script\.sh/],
    ["a compiled program", "script_not_text", Buffer.from("\x7fELF\x02\x01\x01\0", "latin1"), /compiled program/],
    ["NUL bytes", "script_not_text", Buffer.from("echo \0\n"), /NUL bytes/],
    ["UTF-16", "script_encoding", utf16, /UTF-16/],
    ["UTF-16, the other way round", "script_encoding", Buffer.from(utf16).swap16(), /UTF-16/],
    ["a byte order mark", "script_encoding", Buffer.from(`\uFEFF${STRICT}`), /byte order mark/],
  ])("refuses %s", (_, code, script, words) => {
    const findings = checkScript(script);
    expect(findings).toMatchObject([{ level: "error", code, file: "script.sh" }]);
    expect(`${findings[0]?.message} ${findings[0]?.fix}`).toMatch(words);
  });

  it.each(["echo hello", "printf 'a\\r'\n", "echo 'a\rb'\n", "echo é 日本 🙂\n"])("takes %j", (text) => {
    expect(checkScript(Buffer.from(STRICT + text))).toEqual([]);
  });
});

describe("strict mode", () => {
  it.each([
    "set -euo pipefail",
    "set -eo pipefail -u",
    "set -eu -o pipefail",
    "set -o errexit -o nounset -o pipefail",
    "set -Eeuxo pipefail",
    "set -e\n# more\nset -u\n\tset -o pipefail",
    "#!/bin/bash\necho start; set -euo pipefail",
    "if true; then set -e; else set -u; fi && set -o pipefail # done",
    "{ set -eu; }\nshopt -so pipefail",
    "shopt -s -o errexit\nshopt -s -o nounset\nshopt -s -o pipefail",
  ])("is seen in %j", (script) => {
    expect(found(script, "no_strict_mode")).toEqual([]);
  });

  it.each([
    ["echo hello", "errexit, nounset and pipefail"],
    ["set -e", "nounset and pipefail"],
    ["set -eu", "pipefail"],
    ["set -o pipefail", "errexit and nounset"],
    ["# set -euo pipefail", "errexit, nounset and pipefail"],
    ["set +euo pipefail", "errexit, nounset and pipefail"],
    ["set -- -eu -o pipefail", "errexit, nounset and pipefail"],
    ["echo set -euo pipefail", "errexit, nounset and pipefail"],
    ["reset -euo pipefail", "errexit, nounset and pipefail"],
    ["set -eu pipefail", "pipefail"],
    ["#!/bin/bash -eu\nset -o pipefail", "errexit and nounset"],
  ])("misses in %j what it lacks", (script, missing) => {
    const [finding] = found(script, "no_strict_mode");
    expect(finding).toMatchObject({ level: "warning", file: "script.sh", line: null });
    expect(finding?.message).toContain(`never sets ${missing}, so`);
    expect(finding?.fix).toContain("set -euo pipefail");
  });
});

describe("the first line", () => {
  it.each([
    "#!/bin/bash",
    "#! /bin/sh",
    "#!/usr/bin/env bash",
    "#!/usr/bin/env -S bash --",
    "#!/bin/bash -",
    "#!",
    "#",
    "echo",
    "echo #!/bin/zsh",
    "\n#!/bin/zsh",
  ])("may be %j", (line) => {
    expect(found(`${line}\n${STRICT}`, "shebang_ignored")).toEqual([]);
  });

  it.each([
    ["#!/usr/bin/env python3", "asks for python3"],
    ["#!/bin/zsh -f", "asks for zsh"],
    ["#!/bin/dash", "asks for dash"],
    ["#! /usr/local/bin/fish\r", "asks for fish"],
    ["#!/usr/bin/env -S MODE=full awk -f", "asks for awk"],
    ["#!/bin/bash -eu", "options in the script's first line, -eu,"],
    ["#!/bin/sh -e -x", "options in the script's first line, -e -x,"],
    ["#!/usr/bin/env -S bash -euo pipefail", "options in the script's first line, -euo pipefail,"],
    ["#!/bin/z\u001b[2Jsh", "asks for z\\u001b[2Jsh"],
  ])("is told to be ignored: %j", (line, words) => {
    const findings = found(`${line}\n${STRICT}`, "shebang_ignored");
    expect(findings).toMatchObject([{ level: "warning", file: "script.sh", line: 1 }]);
    expect(findings[0]?.message).toContain(words);
  });
});

it("looks at a script of megabytes that was made to be slow to look at", () => {
  const pieces = ["set ", "set -e -o ", ";", "#!", " ", "a", "then\t", "{ "];
  for (const piece of pieces) checkScript(Buffer.from(piece.repeat(4_000_000 / piece.length)));
});
