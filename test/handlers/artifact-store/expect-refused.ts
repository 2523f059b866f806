// What a test of a hostile archive says, and the proof that it was refused without a trace.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { errorCodeOf } from "../../../src/handlers/artifact-store/findings.js";
import { craftZip, type CraftedEntry } from "../../support/zips.js";
import { openStore, WAYS } from "./open-store.js";

/** A good script, to stand beside whatever is bad. */
export const SCRIPT: CraftedEntry = { name: "script.sh", content: "echo hello\n" };

export interface Hostile {
  title: string;
  zip: Buffer | Promise<Buffer>;
  reason: string;
  /** The entry that the refusal must name, as shown; null for the archive as a whole. */
  entry: string | null;
  /** Words of the mend, where it depends on what was found. */
  hint?: RegExp;
  code?: string;
}

/** One bad entry beside a good script. */
export function badEntry(title: string, reason: string, bad: CraftedEntry, shown = String(bad.name)): Hostile {
  return { title, reason, zip: craftZip([SCRIPT, bad]), entry: shown };
}

/**
 * Uploads the archive, in each way of unpacking; it must be refused for its reason, name the entry, and leave the disk
 * exactly as it was.
 */
export async function expectRefused({ zip, reason, entry, hint, code }: Hostile): Promise<void> {
  for (const way of WAYS) {
    const { folder, refused, onDisk } = await openStore({}, way);
    await writeFile(join(folder, "20260101-000000-0123abcd"), "there before");
    const before = await onDisk();
    const [first] = (await refused(await zip)).filter(({ level }) => level === "error");
    expect(first).toMatchObject({ code: reason, archive: "batch.zip", file: entry });
    expect(errorCodeOf(reason)).toBe(code ?? "unprocessable");
    expect(`${first?.message} ${first?.fix}`).toMatch(hint ?? /^[A-Z].*\. .*\.$/s);
    expect(await onDisk()).toEqual(before);
  }
}
