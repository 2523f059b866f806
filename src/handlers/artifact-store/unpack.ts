// Unpacks one upload: opens it with adm-zip, checks what really comes out, writes it entry by entry. Holds up its thread.
import { createHash } from "node:crypto";
import { chmodSync, closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { crc32 } from "node:zlib";
import AdmZip from "adm-zip";
import { isFolder, type Archive, type ArchiveEntry } from "./central-directory.js";
import { entryError, ZIP_AGAIN, type Finding } from "./findings.js";
import { checkLocalHeaders } from "./local-headers.js";
import { checkScript, SCRIPT } from "./script-rules.js";

/** What to unpack, and the new folder to unpack it into. */
export interface UnpackOrder {
  zipFile: string;
  filesFolder: string;
  archive: Archive;
}

/** What came out. With an error among the findings the folder holds rubbish. */
export interface UnpackResult {
  sha256: string;
  fileCount: number;
  unpackedBytes: number;
  findings: Finding[];
}

const FOLDER_MODE = 0o750;
const FILE_MODE = 0o640;
const PROGRAM_MODE = 0o750;

export function unpack({ zipFile, filesFolder, archive }: UnpackOrder): UnpackResult {
  const bytes = readFileSync(zipFile);
  const files = archive.entries.filter((entry) => !isFolder(entry));
  const findings = checkLocalHeaders(bytes, archive);
  if (findings.length === 0) findings.push(...writeAll(bytes, filesFolder, archive.entries));
  syncToDisk(zipFile);
  syncToDisk(dirname(filesFolder));
  return {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    fileCount: files.length,
    unpackedBytes: files.reduce((sum, entry) => sum + entry.size, 0),
    findings,
  };
}

function writeAll(bytes: Buffer, filesFolder: string, entries: ArchiveEntry[]): Finding[] {
  const opened = openedEntries(bytes);
  const folders = foldersOf(entries).map((name) => placeOf(filesFolder, name));
  folders.forEach(makeFolder);
  const findings = entries.flatMap((entry, index) => {
    if (isFolder(entry)) return [];
    const data = dataOf(entry, opened[index]);
    if (data === undefined) {
      return [entryError("bad_zip", entry.name, "The entry is damaged: its data is not what was packed.", ZIP_AGAIN)];
    }
    writeFile(placeOf(filesFolder, entry.name), data, modeOf(entry));
    return entry.name === SCRIPT ? checkScript(data) : [];
  });
  folders.forEach(syncToDisk);
  return findings;
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
  const isSame = opened?.entryName === entry.name && opened.header.offset === entry.localOffset;
  if (!isSame) return undefined;
  try {
    const data = opened.getData();
    return data.length === entry.size && crc32(data) === entry.crc32 ? data : undefined;
  } catch {
    return undefined; // whatever adm-zip or zlib complains of here, it is damaged data
  }
}

/** All folders, parents first: those with an entry of their own and those only mentioned in a path. */
function foldersOf(entries: ArchiveEntry[]): string[] {
  const folders = new Set<string>([""]);
  for (const { name } of entries) {
    for (let slash = name.indexOf("/"); slash >= 0; slash = name.indexOf("/", slash + 1)) {
      folders.add(name.slice(0, slash));
    }
  }
  return [...folders].sort((a, b) => a.length - b.length);
}

function modeOf(entry: ArchiveEntry): number {
  return entry.name === SCRIPT || (entry.mode & 0o111) !== 0 ? PROGRAM_MODE : FILE_MODE;
}

/** Second lock on the door: the rules have refused such names already. */
function placeOf(filesFolder: string, name: string): string {
  const place = join(filesFolder, name);
  if (name !== "" && !place.startsWith(filesFolder + sep)) throw new Error("An entry would leave its folder.");
  return place;
}

/** The mode is set afterwards because the umask would take bits away from it. */
function makeFolder(place: string): void {
  mkdirSync(place);
  chmodSync(place, FOLDER_MODE);
}

function writeFile(place: string, data: Buffer, mode: number): void {
  const file = openSync(place, "wx", mode);
  try {
    writeFileSync(file, data);
    fchmodSync(file, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncToDisk(place: string): void {
  const file = openSync(place, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
