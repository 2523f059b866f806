// Reads stored artifacts: the list of a version's files, and single ones of them.
import { constants } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { AppError } from "../../errors.js";
import { DEFAULT_LIMITS } from "./archive-rules.js";
import { isFolder, readCentralDirectory } from "./central-directory.js";
import { SCRIPT } from "./script-rules.js";

/** Where an artifact lies: the two paths that the artifact store gives for its key. */
export interface ArtifactPlace {
  zipFile: string;
  filesFolder: string;
}

/** A file as the artifact's central directory lists it, which was held against its data when it was taken in. */
export interface StoredFile {
  /** Relative, with slashes: safe to join to the files folder, because the archive rules have let it pass. */
  path: string;
  bytes: number;
  /** As a run finds it: the script always is. */
  executable: boolean;
  crc32: number;
}

/** A file opened for reading once. */
export interface OpenFile {
  bytes: number;
  isText: boolean;
  /** Gives the file back at its end, or when it is destroyed. */
  content: Readable;
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** So much of a file tells whether it is text, as in git. */
const SNIFFED_BYTES = 8000;

/** Whether the artifact is on disk. */
export async function isStored({ zipFile }: ArtifactPlace): Promise<boolean> {
  return stat(zipFile).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Every file of an artifact, by path. Reads no contents. */
export async function listFiles({ zipFile }: ArtifactPlace): Promise<StoredFile[]> {
  const zip = await openPlain(zipFile);
  try {
    const { entries } = await readCentralDirectory(zip, DEFAULT_LIMITS.entries);
    return entries
      .filter((entry) => !isFolder(entry))
      .map(({ name: path, size: bytes, mode, crc32 }) => {
        return { path, bytes, executable: path === SCRIPT || (mode & 0o111) !== 0, crc32 };
      })
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  } finally {
    await zip.close();
  }
}

/** Opens the file of exactly this path; null if the artifact lists none. Nothing of `path` is used before that is known. */
export async function openFile(place: ArtifactPlace, path: string): Promise<OpenFile | null> {
  const file = (await listFiles(place)).find((listed) => listed.path === path);
  return file ? opened(await openStored(place, file)) : null;
}

/** Opens the zip itself. */
export async function openZip({ zipFile }: ArtifactPlace): Promise<OpenFile> {
  return opened(await openPlain(zipFile));
}

/** A handle on a file that stands in the artifact's list; whoever asks closes it. */
export async function openStored({ filesFolder }: ArtifactPlace, { path }: StoredFile): Promise<FileHandle> {
  return openPlain(join(filesFolder, path));
}

/** Whether a file is text, going by its beginning: no NUL byte in it, and UTF-8. */
export async function isText(file: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
  const beginning = buffer.subarray(0, bytesRead);
  // A letter may be cut in two where the beginning ends.
  return textOf(beginning, { cut: bytesRead === SNIFFED_BYTES }) !== null;
}

/** The text that these bytes are; null if they are none. A byte order mark stays in it. */
export function textOf(bytes: Buffer, { cut = false } = {}): string | null {
  if (bytes.subarray(0, SNIFFED_BYTES).includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}

async function opened(file: FileHandle): Promise<OpenFile> {
  try {
    return {
      bytes: (await file.stat()).size,
      isText: await isText(file),
      content: file.createReadStream({ start: 0 }),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Never through a link; O_NONBLOCK because a pipe put in its place would hold the thread for ever. */
async function openPlain(path: string): Promise<FileHandle> {
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    throw isNoFile(error) ? gone(error) : error;
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw gone();
}

function isNoFile(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].includes(String(error.code))
  );
}

function gone(cause?: unknown): AppError {
  const message = "A file of this version is not on the server any more, or something else stands in its place.";
  return new AppError("not_found", message, { reason: "version_missing", cause });
}
