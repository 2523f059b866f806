// Reads a small archive with adm-zip, all of it at once. Holds up its thread.
import { readFileSync, writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import AdmZip from "adm-zip";
import type { Archive, ArchiveEntry } from "./central-directory.js";
import type { EntryWriter } from "./unpack.js";

/** The way for small archives: twice their size is in memory. */
export function readWhole(zip: number, { entries }: Archive): EntryWriter {
  const opened = openedEntries(readFileSync(zip));
  const found = new Map(
    entries.map((entry) => [entry, opened.find(({ header }) => header.offset === entry.localOffset)]),
  );
  return (entry, file) => {
    const data = dataOf(entry, found.get(entry));
    if (data !== undefined) writeFileSync(file, data);
    return data !== undefined;
  };
}

/** What adm-zip sees in the archive; nothing at all where it cannot open it. */
function openedEntries(bytes: Buffer): AdmZip.IZipEntry[] {
  try {
    return new AdmZip(bytes, { noSort: true }).getEntries();
  } catch {
    return [];
  }
}

/** An entry's data, if it is what the central directory promised: adm-zip alone does not compare all of this. */
function dataOf(entry: ArchiveEntry, opened: AdmZip.IZipEntry | undefined): Buffer | undefined {
  if (opened?.entryName !== entry.name) return undefined;
  try {
    const data = opened.getData();
    return data.length === entry.size && crc32(data) === entry.crc32 ? data : undefined;
  } catch {
    return undefined; // whatever adm-zip or zlib complains of here, it is damaged data
  }
}
