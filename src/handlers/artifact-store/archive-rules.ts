// The rules that an uploaded archive must keep, over what its central directory claims; none of them reads the data.
import { setImmediate as giveWay } from "node:timers/promises";
import type { Finding } from "../../models/finding.js";
import { isFolder, type Archive, type ArchiveEntry } from "./central-directory.js";
import { aboutArchive, entryError, ZIP_AGAIN, type FindingCode } from "./findings.js";
import { checkClashes, checkName } from "./path-rules.js";
import { checkScriptEntry, SCRIPT } from "./script-rules.js";

/** How large an archive may be once unpacked. */
export interface ArchiveLimits {
  /** Most files and folders. */
  entries: number;
  /** Most bytes of all files together, and of the archive itself. */
  unpackedBytes: number;
  /** Most bytes of script.sh: it is looked at as a whole, and read by bash line by line at every run. */
  scriptBytes: number;
  /** Most bytes that one byte of the archive may unpack to, in archives that unpack to more than `ratioFreeBytes`. */
  ratio: number;
  ratioFreeBytes: number;
}

/** What applies where nothing else is configured. */
export const DEFAULT_LIMITS: ArchiveLimits = {
  entries: 10_000,
  unpackedBytes: 2 * 1024 ** 3,
  scriptBytes: 16 * 1024 ** 2,
  ratio: 200,
  ratioFreeBytes: 10 * 1024 ** 2,
};

/** Looks no further than its findings are asked for. */
type Rule = (archive: Archive, limits: ArchiveLimits) => Iterable<Finding>;

/** Of each rule's findings no more than this: more help nobody, and ten thousand bad entries would take their time. */
const MAX_PER_RULE = 100;

/** In order of importance: the first finding gives a refusal its reason. */
const RULES: readonly Rule[] = [
  checkSizes,
  ({ entries }) => ofEach(entries, checkName),
  ({ entries }) => ofEach(entries, checkKind),
  ({ entries }) => checkClashes(entries),
  checkPlaces,
  ({ entries }) => checkScriptEntry(entries),
  ({ entries }) => ofEach(entries, warnOfPrivateFile),
];

/** What the rules find in an archive, errors and warnings, most important first. Gives way after every rule. */
export async function checkArchive(archive: Archive, limits: ArchiveLimits): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const rule of RULES) {
    findings.push(...firstOf(rule(archive, limits)));
    await giveWay();
  }
  return findings;
}

function firstOf(found: Iterable<Finding>): Finding[] {
  const findings: Finding[] = [];
  for (const finding of found) if (findings.push(finding) >= MAX_PER_RULE) break;
  return findings;
}

function* ofEach(entries: readonly ArchiveEntry[], find: (entry: ArchiveEntry) => Finding[]): Iterable<Finding> {
  for (const entry of entries) yield* find(entry);
}

function checkSizes({ entries, archiveBytes }: Archive, limits: ArchiveLimits): Finding[] {
  const unpacked = entries.reduce((sum, entry) => sum + entry.size, 0);
  if (Math.max(unpacked, archiveBytes) > limits.unpackedBytes) {
    const message = `The archive has ${archiveBytes} bytes and unpacks to ${unpacked}; at most ${limits.unpackedBytes} are taken.`;
    return [aboutArchive("unpacked_too_large", message, "Leave out what the batch can fetch by itself.")];
  }
  if (unpacked > limits.ratioFreeBytes && unpacked > archiveBytes * limits.ratio) {
    const message = `The archive unpacks to more than ${limits.ratio} times its size, as only archives made to do harm do.`;
    return [aboutArchive("ratio_too_high", message, "Leave out the huge, empty files.")];
  }
  const tooLarge = entries.filter(({ name, size }) => name === SCRIPT && size > limits.scriptBytes);
  return tooLarge.map(({ name, size }) => {
    const message = `The archive's script.sh has ${size} bytes; at most ${limits.scriptBytes} are taken for it.`;
    return entryError("unpacked_too_large", name, message, "Put data into files of their own beside it.");
  });
}

const ENCRYPTED_FLAGS = 0x0001 | 0x0040 | 0x2000;
const METHOD_STORED = 0;
const METHOD_DEFLATED = 8;
const TYPE_BITS = 0o170000;
const TYPE_FILE = 0o100000;
const TYPE_FOLDER = 0o040000;

/** What an entry is, looked at alone: a plain file or folder, packed in a way that can be read. */
function checkKind(entry: ArchiveEntry): Finding[] {
  const error = (code: FindingCode, message: string, fix: string): Finding[] => [
    entryError(code, entry.name, message, fix),
  ];
  const type = entry.mode & TYPE_BITS;
  const isPlain = type === 0 || type === TYPE_FILE || (type === TYPE_FOLDER && isFolder(entry));
  if (!isPlain) {
    return error("link_or_special", "The entry is a link or a device.", "Put the file itself into the archive.");
  }
  if ((entry.flags & ENCRYPTED_FLAGS) !== 0) {
    return error("encrypted", "The entry is encrypted.", "Make the archive without a password.");
  }
  if (entry.method !== METHOD_STORED && entry.method !== METHOD_DEFLATED) {
    const message = `The entry is packed by method ${entry.method}, which is not known here.`;
    return error("unsupported_compression", message, 'Use the ordinary method, called "deflate".');
  }
  if (isFolder(entry) && entry.size > 0) {
    return error("bad_zip", "The entry is named as a folder but holds data.", ZIP_AGAIN);
  }
  return [];
}

const LOCAL_HEADER_BYTES = 30;

/** Each entry's data must have its own place before the central directory, and the first must begin the file. */
function* checkPlaces({ entries, directoryOffset }: Archive): Iterable<Finding> {
  const inOrder = [...entries].sort((a, b) => a.localOffset - b.localOffset);
  for (const [index, entry] of inOrder.entries()) {
    const end = entry.localOffset + LOCAL_HEADER_BYTES + entry.compressedSize;
    if (end <= (inOrder[index + 1]?.localOffset ?? directoryOffset)) continue;
    const message = "The entry's data overlaps the data of another entry or lies outside of the archive.";
    yield entryError("overlapping_entries", entry.name, message, ZIP_AGAIN);
  }
  if ((inOrder[0]?.localOffset ?? directoryOffset) === 0) return;
  const fix = "Upload a plain zip archive, not a self-extracting one.";
  yield aboutArchive("bad_zip", "The zip archive begins with other bytes.", fix);
}

/** Files that people rarely mean to hand over; they are kept all the same. */
function warnOfPrivateFile({ name }: ArchiveEntry): Finding[] {
  const isPrivate = name.startsWith(".git/") || /(^|\/)\.env$/.test(name);
  if (!isPrivate) return [];
  const message = "The entry often holds secrets or history, and everybody who may read this batch can download it.";
  const fix = "Leave it out if that was not meant.";
  return [{ ...entryError("private_file", name, message, fix), level: "warning" }];
}
