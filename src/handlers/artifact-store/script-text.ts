// Rules over the text of script.sh: it must be text that bash can run.
import type { Finding } from "../../models/finding.js";
import { entryError, type FindingCode } from "./findings.js";
import { adviseOnScript } from "./script-advice.js";
import { SCRIPT } from "./script-rules.js";

const ELF = Buffer.from("\x7fELF", "latin1");
const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const UTF16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/** What would make bash fail on this script, or worse, run it wrongly (each was seen to happen), and what to tell of it. */
export function checkScript(script: Buffer): Finding[] {
  const startsWith = (bytes: Buffer): boolean => script.subarray(0, bytes.length).equals(bytes);
  if (startsWith(ELF)) {
    return [scriptError("script_not_text", "is a compiled program", "Call the program from a bash script.")];
  }
  if (UTF16_MARKS.some(startsWith)) {
    return [scriptError("script_encoding", "is saved as UTF-16", "Save it as UTF-8.")];
  }
  if (script.includes(0)) {
    return [scriptError("script_not_text", "has NUL bytes, so it is no text", "Save it as plain UTF-8 text.")];
  }
  const findings: Finding[] = [];
  if (startsWith(UTF8_MARK)) {
    const message = "begins with an invisible byte order mark";
    findings.push(scriptError("script_encoding", message, 'Save it as UTF-8 without "BOM".'));
  }
  const at = script.indexOf("\r\n");
  if (at >= 0) {
    const line = lineOf(script, at);
    const message = `has Windows line ends (CRLF) from line ${line} on, which bash takes as part of its commands`;
    const fix = `Convert it: sed -i 's/\\r$//' ${SCRIPT}`;
    findings.push({ ...scriptError("script_line_ends", message, fix), line });
  }
  return [...findings, ...adviseOnScript(script.toString("utf8").replace(/^\uFEFF/, ""))];
}

function scriptError(code: FindingCode, what: string, fix: string): Finding {
  return entryError(code, SCRIPT, `The archive's script.sh ${what}.`, fix);
}

function lineOf(text: Buffer, position: number): number {
  return text.subarray(0, position).toString("latin1").split("\n").length;
}
