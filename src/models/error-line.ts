// What a line of a log looks like that reports an error: rules as data, each with the name that answers and docs give it.

/** A way in which a line can report an error. */
export interface ErrorPattern {
  name: string;
  pattern: RegExp;
}

/** In the order in which a line is held against them. Each takes linear time. */
export const ERROR_PATTERNS: readonly ErrorPattern[] = [
  { name: "traceback", pattern: /\btraceback\b/i },
  { name: "panic", pattern: /\bpanic(?:ked)?\b/i },
  { name: "crash", pattern: /\b(?:segmentation fault|segfault|bus error|core dumped|out of memory|stack overflow)\b/i },
  { name: "shell", pattern: /\b(?:command not found|unbound variable|syntax error|bad substitution)\b/i },
  {
    name: "system",
    pattern:
      /\b(?:no such file or directory|permission denied|no space left on device|connection refused|broken pipe)\b/i,
  },
  { name: "fatal", pattern: /\bfatal\b/i },
  { name: "level", pattern: /\b(?:CRITICAL|SEVERE|EMERG)\b/ },
  // Without a border before them: TypeError, java.io.IOException, upload_error.
  { name: "exception", pattern: /exceptions?\b/i },
  { name: "error", pattern: /errors?\b/i },
  { name: "failed", pattern: /\b(?:failed|failures?)\b/i },
];

/** Every line that looks like an error matches this; what does not match need not be taken apart into lines. */
export const ERROR_WORDS = new RegExp(ERROR_PATTERNS.map(({ pattern }) => pattern.source).join("|"), "gi");

/** What is taken out of a line before it is looked at: words of error that say that there is none. */
const INNOCENT: readonly RegExp[] = [
  // no error, 0 fatal errors, without failures
  /\b(?:0|no|not|without|zero)[ \t]+(?:[a-z]+[ \t]+)?(?:errors?|exceptions?|failures?|failed|fatal)\b/gi,
  // error: 0, "errors":0, failed=false
  /\b(?:errors?|exceptions?|failures?|failed)\b["']?[ \t]*[:=][ \t]*["']?(?:0(?!\.?\d)|(?:none|null|nil|false)\b)/gi,
  // error-free, error.log, error handling, error code 0
  /\berrors?[-_. ](?:free|handl\w*|logs?|rates?|pages?|codes?[ \t]*[:=]?[ \t]*0(?!\.?\d))\b/gi,
];

/** What `set -x` prints: what the script is about to do, not what became of it. */
const TRACE = /^\+{1,20} /;

/** A line that gives itself a mild level, at its start or behind a time and a name, is no error whatever words it has. */
const MILD = [
  /^.{0,60}?\b(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING)\b/,
  /^.{0,60}?\blevel["']?[=:]["']?(?:trace|debug|info|notice|warn)/i,
  /^\s{0,20}\[?(?:trace|debug|info|notice|warn|warning)\b/i,
];

/** The name of the pattern by which a line looks like an error; null if it does not. */
export function errorPatternOf(line: string): string | null {
  if (TRACE.test(line) || MILD.some((level) => level.test(line))) return null;
  const rest = INNOCENT.reduce((text, pattern) => text.replace(pattern, " "), line);
  return ERROR_PATTERNS.find(({ pattern }) => pattern.test(rest))?.name ?? null;
}
