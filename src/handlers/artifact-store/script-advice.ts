// What is said of a script that can be run, but may not do what its writer thinks: warnings, all of it.
import type { Finding } from "../../models/finding.js";
import { entryError, shownName, type FindingCode } from "./findings.js";
import { SCRIPT } from "./script-rules.js";

/** Everything worth saying of this script. */
export function adviseOnScript(script: string): Finding[] {
  return [...checkShebang(script), ...checkStrictMode(script)];
}

const SHEBANG = /^#![ \t]*([^\r\n]*)/;

/** A first line that asks for something which does not happen, because every script is started as `bash script.sh`. */
function checkShebang(script: string): Finding[] {
  const words = (SHEBANG.exec(script)?.[1] ?? "").split(/[ \t]+/);
  // `env -S MODE=full bash -eu`: what it starts comes after its own options and settings.
  const start = baseName(words[0]) === "env" ? words.findIndex((word, i) => i > 0 && !/^-|=/.test(word)) : 0;
  const [interpreter, ...options] = words.slice(Math.max(0, start));
  const program = shownName(baseName(interpreter));
  if (program === "") return [];
  if (program !== "bash" && program !== "sh") {
    const message = `The script's first line asks for ${program}, but it is run by bash, whatever that line says.`;
    return [warning("shebang_ignored", 1, message, `Write it for bash, or have it call ${program} with another file.`)];
  }
  const ignored = shownName(
    options
      .filter((option) => !/^--?$/.test(option))
      .join(" ")
      .trim(),
  );
  if (ignored === "") return [];
  const message = `The options in the script's first line, ${ignored}, do nothing: it is started as "bash ${SCRIPT}".`;
  return [warning("shebang_ignored", 1, message, `Switch them on in the next line instead: set ${ignored}`)];
}

/** The last part of a path; of nothing, nothing. */
function baseName(path = ""): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

const STRICT = ["errexit", "nounset", "pipefail"];
const LETTERS = { e: "errexit", u: "nounset" };
const LIST = new Intl.ListFormat("en-GB");

/** `set` with its words, or `shopt` with those of the same options, where a command can begin. */
const SETTING = /(?:^|[;&|({]|\b(?:then|else|do)\b)[ \t]*(?:set|shopt)[ \t]+([^;&|#\r\n]{0,1000})/gm;

/** Without these three a script goes on after a command that failed, as if nothing had happened. */
function checkStrictMode(script: string): Finding[] {
  const missing = new Set(STRICT);
  for (const [, words = ""] of script.matchAll(SETTING)) for (const option of optionsIn(words)) missing.delete(option);
  if (missing.size === 0) return [];
  const message =
    `The script never sets ${LIST.format(missing)}, so that it may go on after something in it has failed, ` +
    "and end as if all were well.";
  return [warning("no_strict_mode", null, message, "Begin it with the line: set -euo pipefail")];
}

/** The options that these words switch on: `-eu`, and the words that are names of options behind an `o`. */
function optionsIn(words: string): string[] {
  const list = words.split(/[ \t]+/);
  const end = list.indexOf("--");
  return list.slice(0, end < 0 ? undefined : end).flatMap((word, i) => {
    if (/^-[a-zA-Z]+$/.test(word)) {
      return Object.entries(LETTERS).flatMap(([letter, option]) => (word.includes(letter) ? [option] : []));
    }
    return STRICT.includes(word) && /^-[a-zA-Z]*o$/.test(list[i - 1] ?? "") ? [word] : [];
  });
}

function warning(code: FindingCode, line: number | null, message: string, fix: string): Finding {
  return { ...entryError(code, SCRIPT, message, fix), level: "warning", line };
}
