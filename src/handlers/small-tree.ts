// Copies the folders of small artifacts in one go, without a trip to another thread for every file.
import { constants, copyFileSync, mkdirSync, readdirSync, statSync, type Dirent } from "node:fs";
import path from "node:path";

/**
 * The names inside a folder that never changes, in an order in which a folder stands before what is in it.
 *
 * A handful of small files is worth handling at once: each call then takes some ten microseconds, a tenth of what
 * waiting for another thread costs. Anything larger would hold up everybody else.
 */
export interface SmallTree {
  folders: string[];
  files: string[];
}

const MAX_ENTRIES = 16;
const MAX_BYTES = 256 * 1024;

/** Looks at a folder; null if it is not small. */
export function smallTree(folder: string): SmallTree | null {
  const tree: SmallTree = { folders: [], files: [] };
  let bytes = 0;
  const open = [""];
  for (let at = open.shift(); at !== undefined; at = open.shift()) {
    const entries: Dirent[] = readdirSync(path.join(folder, at), { withFileTypes: true });
    for (const entry of entries) {
      const name = path.join(at, entry.name);
      if (entry.isDirectory()) {
        tree.folders.push(name);
        open.push(name);
      } else {
        tree.files.push(name);
        bytes += statSync(path.join(folder, name)).size;
      }
      if (tree.files.length + tree.folders.length > MAX_ENTRIES || bytes > MAX_BYTES) return null;
    }
  }
  return tree;
}

/** Copies a tree into a folder that does not exist yet, sharing blocks where the file system can. */
export function copySmallTree({ folders, files }: SmallTree, from: string, to: string): void {
  mkdirSync(to, { mode: 0o750 });
  for (const name of folders) mkdirSync(path.join(to, name), { mode: 0o750 });
  for (const name of files) {
    copyFileSync(path.join(from, name), path.join(to, name), constants.COPYFILE_FICLONE);
  }
}
