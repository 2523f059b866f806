// Rules over script.sh as the list of entries has it: it must be there, at the root, and hold something.
import type { Finding } from "../../models/finding.js";
import { isFolder, type ArchiveEntry } from "./central-directory.js";
import { entryError } from "./findings.js";

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
