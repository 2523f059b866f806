// Unpacks one upload entry by entry: checks what really comes out, and has all of it on the disk when it is done.
import { closeSync, fchmodSync, openSync, readFileSync } from "node:fs";
import type { Finding } from "../../models/finding.js";
import { isFolder, type Archive, type ArchiveEntry } from "./central-directory.js";
import { entryError, ZIP_AGAIN } from "./findings.js";
import { Flushing } from "./flushing.js";
import { foldersOf, makeFolder, modeOf, placeOf } from "./layout.js";
import { readLocalHeaders, type LocalHeaders } from "./local-headers.js";
import { SCRIPT } from "./script-rules.js";
import { checkScript } from "./script-text.js";

/** What to unpack, and the new folder to unpack it into. */
export interface UnpackOrder {
  zipFile: string;
  filesFolder: string;
  archive: Archive;
  /** True: there are more entries than these, and their names are not to be trusted. */
  isPart: boolean;
}

/** Writes an entry's data into an open, empty file; false if it is not what the central directory promises. */
export type EntryWriter = (entry: ArchiveEntry, file: number) => boolean | Promise<boolean>;

/** A way of getting at the data: given the open zip, it makes the writer of its entries. */
export type WayOfReading = (zip: number, archive: Archive, headers: LocalHeaders) => EntryWriter;

/** Unpacks, and gives what is found on the way. With an error among the findings the folder holds rubbish. */
export async function unpack({ zipFile, filesFolder, archive }: UnpackOrder, read: WayOfReading): Promise<Finding[]> {
  const zip = openSync(zipFile, "r");
  try {
    const headers = readLocalHeaders(zip, archive);
    if (headers.findings.length > 0) return headers.findings;
    return await writeAll(read(zip, archive, headers), filesFolder, archive.entries);
  } finally {
    closeSync(zip);
  }
}

async function writeAll(write: EntryWriter, filesFolder: string, entries: ArchiveEntry[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  const flushing = new Flushing();
  const folders = foldersOf(entries).map((name) => placeOf(filesFolder, name));
  folders.forEach(makeFolder);
  try {
    for (const entry of entries) {
      if (isFolder(entry)) continue;
      const place = placeOf(filesFolder, entry.name);
      if (!(await writeFile(write, entry, place, flushing))) {
        const message = "The entry is damaged: its data is not what was packed.";
        findings.push(entryError("bad_zip", entry.name, message, ZIP_AGAIN));
      } else if (entry.name === SCRIPT) findings.push(...checkScript(readFileSync(place)));
    }
    for (const folder of folders) await flushing.addPath(folder);
  } finally {
    // Also after a failure: no file may be open when the folder is removed.
    await flushing.done();
  }
  return findings;
}

async function writeFile(write: EntryWriter, entry: ArchiveEntry, place: string, flushing: Flushing): Promise<boolean> {
  const mode = modeOf(entry);
  const file = openSync(place, "wx", mode);
  let isSound = false;
  try {
    isSound = await write(entry, file);
    // Set afterwards because the umask would take bits away from it.
    fchmodSync(file, mode);
  } finally {
    if (!isSound) closeSync(file);
  }
  if (isSound) await flushing.add(file);
  return isSound;
}
