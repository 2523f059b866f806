// Zips of one script, for tests that care about what it does and not about the archive.
import { zipOf } from "./zips.js";

/** A zip whose script.sh has these lines. */
export async function scriptZip(...lines: string[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await zipOf({ "script.sh": `${lines.join("\n")}\n` }));
}
