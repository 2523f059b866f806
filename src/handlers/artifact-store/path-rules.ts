// Rules over the names in an archive: every one must be a plain relative path that means the same everywhere.
import { isFolder, type ArchiveEntry } from "./central-directory.js";
import type { Finding } from "../../models/finding.js";
import { entryError, TREACHEROUS, type FindingCode } from "./findings.js";

const MAX_SEGMENT_BYTES = 255;
const MAX_PATH_BYTES = 1024;
const MAX_DEPTH = 32;

/** A fault of one name, looked at alone. */
interface NameRule {
  code: FindingCode;
  isBroken: (name: string, parts: readonly string[]) => boolean;
  message: string;
  fix: string;
}

const NAME_RULES: readonly NameRule[] = [
  {
    code: "unsafe_path",
    isBroken: (name) => name.startsWith("/") || /^[A-Za-z]:/.test(name),
    message: "The entry has an absolute path.",
    fix: "Zip the files from inside their folder, so that all paths are relative.",
  },
  {
    code: "unsafe_path",
    isBroken: (name) => name.includes("\\"),
    message: "The entry has a backslash in its name.",
    fix: "Use a zip program that writes / between folder and file, and no backslashes in file names.",
  },
  {
    code: "unsafe_path",
    isBroken: (name, parts) => parts.some((part) => [".", "..", ""].includes(part)) && !name.startsWith("/"),
    message: 'The entry has ".", ".." or an empty part in its path.',
    fix: 'Zip the files by their plain names, for example "zip -r batch.zip script.sh data".',
  },
  {
    code: "control_characters",
    isBroken: (name) => TREACHEROUS.test(name),
    message: "The entry has control characters or text direction marks in its name.",
    fix: "Rename the file.",
  },
  {
    code: "name_not_utf8",
    isBroken: (name) => name.includes("\uFFFD"),
    message: "The entry has a name that is not valid UTF-8.",
    fix: "Use a zip program that writes names in UTF-8, or rename the file with plain letters.",
  },
  {
    code: "name_too_long",
    isBroken: (name, parts) =>
      Buffer.byteLength(name) > MAX_PATH_BYTES || parts.some((part) => Buffer.byteLength(part) > MAX_SEGMENT_BYTES),
    message: `The entry has a name over ${MAX_SEGMENT_BYTES} bytes or a path over ${MAX_PATH_BYTES} bytes.`,
    fix: "Shorten the names.",
  },
  {
    code: "too_deep",
    isBroken: (_, parts) => parts.length > MAX_DEPTH,
    message: `The entry lies more than ${MAX_DEPTH} levels deep.`,
    fix: "Use fewer folders inside each other.",
  },
];

/** A name looked at alone. */
export function checkName({ name }: ArchiveEntry): Finding[] {
  const parts = segments(name);
  const broken = NAME_RULES.filter((rule) => rule.isBroken(name, parts));
  return broken.map(({ code, message, fix }) => entryError(code, name, message, fix));
}

/** Names against each other: no two may be the same on any system, and no file may be the folder of another entry. */
export function* checkClashes(entries: readonly ArchiveEntry[]): Iterable<Finding> {
  const paths = entries.map(({ name }) => sameEverywhere(name));
  const files = new Set(paths.filter((_, index) => !isFolder(entries[index] ?? { name: "" })));
  const seen = new Set<string>();
  /** Most entries lie in a folder with others: it is looked at once. */
  const soundFolders = new Set<string>();
  for (const [index, { name }] of entries.entries()) {
    const path = paths[index] ?? "";
    if (seen.has(path)) {
      const message = "The entry's name is in the archive twice, or differs from another only in upper and lower case.";
      yield entryError("duplicate_entry", name, message, "Keep one of them, or rename it.");
    } else if (!soundFolders.has(folderOf(path)) && ancestors(path).some((folder) => files.has(folder))) {
      const message = "The entry lies in a folder that is also a file of the archive.";
      yield entryError("duplicate_entry", name, message, "Rename the file or the folder.");
    } else soundFolders.add(folderOf(path));
    seen.add(path);
  }
}

/** The parts of a path between its slashes; a folder's closing slash makes no part. */
function segments(name: string): string[] {
  return name.replace(/\/$/, "").split("/");
}

/** One spelling for all names that some file system takes for the same: case and composed letters do not count. */
function sameEverywhere(name: string): string {
  return segments(name).join("/").toUpperCase().toLowerCase().normalize("NFC");
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function ancestors(path: string): string[] {
  const parts = path.split("/").slice(0, MAX_DEPTH);
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
