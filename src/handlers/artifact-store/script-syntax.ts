// What bash itself says of an unpacked script.sh, in words that do not need a knowledge of bash's own.
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Finding } from "../../models/finding.js";
import { checkSyntax } from "../process/bash-syntax.js";
import { entryError, shownName } from "./findings.js";
import { SCRIPT } from "./script-rules.js";

/** Has bash read the script in this folder. */
export async function checkScriptSyntax(filesFolder: string): Promise<Finding[]> {
  const verdict = await checkSyntax(filesFolder, SCRIPT);
  if (verdict.kind === "understood") return [];
  if (verdict.kind === "unknown") {
    const message = "Bash did not come to the end of script.sh in the time and memory that are given for a check.";
    return [warning(finding(message, "Make it smaller, and put data into files of their own beside it."))];
  }
  const { line, complaint } = verdict;
  const { what, fix } = inPlainWords(complaint);
  const found = { ...finding(`Bash does not understand script.sh in line ${line}: ${what}.`, fix), line };
  const isHarmless = verdict.kind === "doubt" || (await firstExit(join(filesFolder, SCRIPT))) < line;
  return [isHarmless ? warning(found) : found];
}

/** Where an exit is looked for: behind the head of a script there may be any amount of data. */
const HEAD_BYTES = 1024 ** 2;

/** The first line that ends the script: bash reads no further than it runs, so what follows may be no script at all. */
async function firstExit(script: string): Promise<number> {
  const file = await open(script);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.toString("latin1", 0, bytesRead);
    const at = head.search(/^exit\b/m);
    return at < 0 ? Infinity : head.slice(0, at).split("\n").length;
  } finally {
    await file.close();
  }
}

/** Bash's complaints by their form, with what was not expected, missing or wanted taken out of them. */
const COMPLAINTS: readonly [form: RegExp, what: (part: string) => string, fix: string][] = [
  [
    /^syntax error near unexpected token `(.*)'$/,
    (token) => (token === "newline" ? "the line ends too early" : `it does not expect ${token} there`),
    "Look there and just before: something is there too much, or missing.",
  ],
  [
    /^unexpected EOF while looking for (?:matching )?`(.*)'$/,
    (mark) => `the closing ${mark} never comes`,
    "Close what is open there, or take away what opens it.",
  ],
  [
    /^syntax error: unexpected end of file/,
    () => "the script ends in the middle of a command",
    "Look for an if without fi, a loop without done, a case without esac, or a { without }.",
  ],
  [
    /^here-document at line \d+ delimited by end-of-file \(wanted `(.*)'\)$/,
    (word) => `a text in the script (<<) never ends, because no line holds ${word} alone`,
    "Write that word into a line of its own, without blanks around it.",
  ],
];

function inPlainWords(complaint: string): { what: string; fix: string } {
  for (const [form, what, fix] of COMPLAINTS) {
    const match = form.exec(complaint);
    if (match) return { what: what(shownName(match[1] ?? "")), fix };
  }
  return { what: `it says "${shownName(complaint)}"`, fix: "Try it yourself: bash -n script.sh" };
}

function finding(message: string, fix: string): Finding {
  return entryError("bash_syntax", SCRIPT, message, fix);
}

function warning(found: Finding): Finding {
  return { ...found, level: "warning" };
}
