// Rules over script.sh: it must be there, at the root, and be text that bash can run.
import { isFolder, type ArchiveEntry } from "./central-directory.js";
import { entryError, type Finding } from "./findings.js";

/** The one file that every batch must have, at the root of its archive. */
export const SCRIPT = "script.sh";

/** Whether the archive has a script at all, going by its list of entries. */
export function checkScriptEntry(entries: readonly ArchiveEntry[]): Finding[] {
  const missing = (message: string, fix: string): Finding[] => [entryError("missing_script", SCRIPT, message, fix)];
  const script = entries.find(({ name }) => name === SCRIPT);
  if (script) return script.size > 0 ? [] : missing("The archive's script.sh is empty.", "Write the script into it.");
  if (entries.some(({ name }) => name.startsWith(`${SCRIPT}/`))) {
    return missing("The archive has a folder named script.sh.", "Give this name to the script, and to no folder.");
  }
  const names = entries.filter((entry) => !isFolder(entry)).map(({ name }) => name);
  if (names.some((name) => name.endsWith(`/${SCRIPT}`))) {
    const message = "The archive has a script.sh, but only in a folder and not at its root.";
    return missing(message, "Zip the files themselves, not the folder that holds them.");
  }
  if (names.some((name) => name.toLowerCase() === SCRIPT)) {
    return missing("The archive has a script whose name is not all lower case.", "Rename it to script.sh.");
  }
  return missing("The archive has no file script.sh at its root.", "Add a bash script with this name.");
}

const ELF = Buffer.from("\x7fELF", "latin1");
const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const UTF16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/** What would make bash fail on this script, or worse, run it wrongly: each was seen to happen. */
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
  return findings;
}

function scriptError(code: Finding["code"], what: string, fix: string): Finding {
  return entryError(code, SCRIPT, `The archive's script.sh ${what}.`, fix);
}

function lineOf(text: Buffer, position: number): number {
  return text.subarray(0, position).toString("latin1").split("\n").length;
}
