// What looks like an error in a log, and what only has its words.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ERROR_PATTERNS, ERROR_WORDS, errorPatternOf } from "../../src/models/error-line.js";

const ERRORS: [string, string][] = [
  ["Traceback (most recent call last):", "traceback"],
  ["panic: runtime error: index out of range [3]", "panic"],
  ["thread 'main' panicked at src/main.rs:2:5", "panic"],
  ["script.sh: line 4: 12345 Segmentation fault      (core dumped) ./tool", "crash"],
  ["fork: Out of memory", "crash"],
  ["script.sh: line 3: foo: command not found", "shell"],
  ["script.sh: line 9: NAME: unbound variable", "shell"],
  ["script.sh: line 9: syntax error near unexpected token `fi'", "shell"],
  ["cat: /data/in.csv: No such file or directory", "system"],
  ["cp: cannot create regular file '/x': Permission denied", "system"],
  ["tar: write error: No space left on device", "system"],
  ["curl: (7) Failed to connect to localhost port 1: Connection refused", "system"],
  ["fatal: not a git repository (or any of the parent directories): .git", "fatal"],
  ["2026-11-25 10:00:00 CRITICAL worker gave up", "level"],
  ['Exception in thread "main" java.lang.NullPointerException', "exception"],
  ["java.io.IOException: closed", "exception"],
  ["ERROR 1045 (28000): Access denied for user", "error"],
  ["2026-11-25T10:00:00Z [error] the import stopped", "error"],
  ["TypeError: x is not a function", "error"],
  ["npm ERR! code 1; upload_error", "error"],
  ["3 errors, 0 warnings", "error"],
  ["error: 0.5 is not a whole number", "error"],
  ["exit code 10 errors", "error"],
  ["2 of 10 tests failed", "failed"],
  ["make: *** [all] build failure", "failed"],
];

const NO_ERRORS = [
  "",
  "done",
  "0 errors",
  "finished with 0 errors, 0 failures",
  "no error",
  "No fatal errors.",
  "completed without errors",
  "errors: 0",
  "error: 0.",
  '{"errors":0,"failed": 0}',
  '{"error":null}',
  "error=none failed=false",
  "error-free",
  "writing to /var/log/error.log",
  "error handling is on",
  "error code: 0",
  "+ echo 'error: it failed'",
  "++ grep error file",
  "WARNING: the first try failed, trying again",
  "2026-11-25 10:00:00,123 INFO app.worker - retry after error",
  "[debug] error thrown and caught",
  'time=2026 level=info msg="error counter reset"',
  '{"level":"info","msg":"error counter"}',
  "the failover went well, no panicking",
];

it.each(ERRORS)("%s", (line, pattern) => {
  expect(errorPatternOf(line)).toBe(pattern);
  expect(new RegExp(ERROR_WORDS).test(line)).toBe(true);
});

it.each(NO_ERRORS)("not: %s", (line) => {
  expect(errorPatternOf(line)).toBeNull();
});

it("each pattern is that of a line above, and those are the ones that the documentation lists", () => {
  const names = ERROR_PATTERNS.map(({ name }) => name);
  expect(new Set(ERRORS.map(([, pattern]) => pattern))).toEqual(new Set(names));
  const listed = readFileSync("docs/logs.md", "utf8").match(/^\| pattern .*?\n\n/ms)?.[0] ?? "";
  expect([...listed.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1])).toEqual(names);
});

it("takes time in proportion to a line, however it was made", () => {
  const pieces = ["no ", "error ", "error: ", "error=0", "0", " ", "\t", "level=", "not errors", "+", "a", "A.", '"'];
  for (const piece of pieces) {
    // With anything worse than linear these would take minutes.
    expect(errorPatternOf(piece.repeat(200_000)), piece).toSatisfy((name) => name === null || typeof name === "string");
  }
});
