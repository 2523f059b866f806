// How the entries of an archive lie on disk: their folders, places and modes, one rule for every way of unpacking.
import { chmodSync, mkdirSync } from "node:fs";
import { join, sep } from "node:path";
import type { ArchiveEntry } from "./central-directory.js";
import { SCRIPT } from "./script-rules.js";

/** Of every folder under the uploads folder. */
export const FOLDER_MODE = 0o750;
/** Of every file there that is not to be executed. */
export const FILE_MODE = 0o640;
const PROGRAM_MODE = 0o750;

/** All folders, parents first: those with an entry of their own and those only mentioned in a path. */
export function foldersOf(entries: readonly ArchiveEntry[]): string[] {
  const folders = new Set<string>([""]);
  for (const { name } of entries) {
    for (let slash = name.indexOf("/"); slash >= 0; slash = name.indexOf("/", slash + 1)) {
      folders.add(name.slice(0, slash));
    }
  }
  return [...folders].sort((a, b) => a.length - b.length);
}

/** The mode that a file gets: the right to execute is kept, and no other bit. */
export function modeOf(entry: ArchiveEntry): number {
  return entry.name === SCRIPT || (entry.mode & 0o111) !== 0 ? PROGRAM_MODE : FILE_MODE;
}

/** Where a name belongs. Second lock on the door: the rules have refused such names already. */
export function placeOf(filesFolder: string, name: string): string {
  const place = join(filesFolder, name);
  if (name !== "" && !place.startsWith(filesFolder + sep)) throw new Error("An entry would leave its folder.");
  return place;
}

/** Makes a folder. The mode is set afterwards because the umask would take bits away from it. */
export function makeFolder(place: string): void {
  mkdirSync(place);
  chmodSync(place, FOLDER_MODE);
}
