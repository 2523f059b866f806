// What a test of a hostile archive says, and the proof that it was refused without a trace.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { craftZip, type CraftedEntry } from "../../support/zips.js";
import { openStore } from "./open-store.js";

/** A good script, to stand beside whatever is bad. */
export const SCRIPT: CraftedEntry = { name: "script.sh", content: "echo hello\n" };

export interface Hostile {
  title: string;
  zip: Buffer | Promise<Buffer>;
  reason: string;
  /** The entry that the refusal must name, as shown; "" for the archive as a whole. */
  entry: string;
  /** Words of the mend, where it depends on what was found. */
  hint?: RegExp;
  code?: string;
}

/** One bad entry beside a good script. */
export function badEntry(title: string, reason: string, bad: CraftedEntry, shown = String(bad.name)): Hostile {
  return { title, reason, zip: craftZip([SCRIPT, bad]), entry: shown };
}

/** Uploads the archive; it must be refused for its reason, name the entry, and leave the disk exactly as it was. */
export async function expectRefused({ zip, reason, entry, hint, code }: Hostile): Promise<void> {
  const { folder, refused, onDisk } = await openStore();
  await writeFile(join(folder, "20260101-000000-0123abcd"), "there before");
  const before = await onDisk();
  const refusal = await refused(await zip);
  expect(refusal).toMatchObject({ code: code ?? "unprocessable", reason });
  expect(refusal.errors[0]).toMatchObject({ pointer: entry });
  expect(`${refusal.message} ${refusal.errors[0]?.message ?? ""}`).toMatch(hint ?? /^[A-Z].*\. .*\.$/s);
  expect(await onDisk()).toEqual(before);
}
