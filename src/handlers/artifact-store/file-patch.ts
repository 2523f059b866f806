// The patch of one file, in the form that both `git apply` and GNU patch take.
import { formatPatch, OMIT_HEADERS, structuredPatch, type StructuredPatch } from "diff";

/** A file on one side of a comparison. */
export interface PatchSide {
  text: string;
  executable: boolean;
}

const CONTEXT_LINES = 3;
/** Up to so many edits are looked for at once, which takes a few milliseconds; more of them step by step. */
const QUICK_EDITS = 256;

/** What git calls a file without content. GNU patch makes or removes one only where it is named. */
const EMPTY_BLOB = "e69de29";
const NO_BLOB = "0000000";

/**
 * The patch that makes `to` of `from`; null: there is none, the file is new or removed.
 *
 * @param patienceMs give up after so long; nothing else has to wait meanwhile
 * @returns null if that was not enough
 */
export async function patchOf(
  path: string,
  from: PatchSide | null,
  to: PatchSide | null,
  patienceMs: number,
): Promise<string | null> {
  const [before, after] = [quoted(`a/${path}`), quoted(`b/${path}`)];
  const lines = [`diff --git ${before} ${after}`, ...modeLines(from, to)];
  const diff = await compareLines(from?.text ?? "", to?.text ?? "", patienceMs);
  if (!diff) return null;
  if (diff.hunks.length > 0) {
    lines.push(
      `--- ${from ? before : "/dev/null"}`,
      `+++ ${to ? after : "/dev/null"}`,
      formatPatch(diff, OMIT_HEADERS),
    );
    return lines.join("\n");
  }
  if (!from) lines.push(`index ${NO_BLOB}..${EMPTY_BLOB}`);
  if (!to) lines.push(`index ${EMPTY_BLOB}..${NO_BLOB}`);
  return `${lines.join("\n")}\n`;
}

function modeLines(from: PatchSide | null, to: PatchSide | null): string[] {
  const mode = ({ executable }: PatchSide) => (executable ? "100755" : "100644");
  if (!from || !to)
    return [...(from ? [`deleted file mode ${mode(from)}`] : []), ...(to ? [`new file mode ${mode(to)}`] : [])];
  return from.executable === to.executable ? [] : [`old mode ${mode(from)}`, `new mode ${mode(to)}`];
}

/** The library's asynchronous form waits a millisecond between two steps, so it is only asked where there are many. */
async function compareLines(from: string, to: string, patienceMs: number): Promise<StructuredPatch | undefined> {
  // Against nothing, the number of edits costs nothing.
  const maxEditLength = from === "" || to === "" ? Infinity : QUICK_EDITS;
  const quick = structuredPatch("", "", from, to, "", "", { context: CONTEXT_LINES, maxEditLength });
  if (quick) return quick;
  return new Promise((resolve) => {
    structuredPatch("", "", from, to, "", "", { context: CONTEXT_LINES, timeout: patienceMs, callback: resolve });
  });
}

/** Names of plain letters stand as they are; all others as a C string, as git does it: else GNU patch ends them at a blank. */
function quoted(name: string): string {
  if (/^[\w./+@%=,:-]+$/.test(name)) return name;
  const bytes = [...Buffer.from(name)].map((byte) => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === "\\") return `\\${character}`;
    return byte >= 0x20 && byte < 0x7f ? character : `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${bytes.join("")}"`;
}
