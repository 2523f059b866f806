// Takes an upload apart and says everything that is to be said of it: of its records, its data and its script.
import { open } from "node:fs/promises";
import { hasErrors, type Finding } from "../../models/finding.js";
import { checkArchive, type ArchiveLimits } from "./archive-rules.js";
import { isFolder, readCentralDirectory, type Archive, type ArchiveEntry } from "./central-directory.js";
import { UnreadableArchive } from "./findings.js";
import { SCRIPT } from "./script-rules.js";
import { checkScriptSyntax } from "./script-syntax.js";
import { Turns } from "../turns.js";
import type { UnpackOrder } from "./unpack.js";

/** What was found in an upload. */
export interface Inspection {
  /** In order of importance; with an error among them, what was unpacked is worth nothing. */
  findings: Finding[];
  fileCount: number;
  unpackedBytes: number;
}

export interface Means {
  limits: ArchiveLimits;
  unpack: (order: UnpackOrder) => Promise<Finding[]>;
}

/** Bashes at once that read scripts. */
const READERS = 2;

/** In an archive that is refused anyway, a script of no more than this is looked at too. */
const MAX_REFUSED_SCRIPT_BYTES = 1024 ** 2;

export class Inspector {
  private readonly readers = new Turns(READERS);

  constructor(private readonly with_: Means) {}

  /** Unpacks the zip into a new folder, unless that would be unsafe, and gives everything that is found on the way. */
  async inspect(zipFile: string, filesFolder: string): Promise<Inspection> {
    const archive = await this.read(zipFile);
    if (archive instanceof UnreadableArchive) return { findings: [archive.finding], fileCount: 0, unpackedBytes: 0 };
    const findings = await checkArchive(archive, this.with_.limits);
    // People want to hear of all faults at once: the script's own are found in a bad archive too.
    const isPart = hasErrors(findings);
    const entries = isPart ? harmlessScript(archive.entries, findings) : archive.entries;
    const order = { zipFile, filesFolder, archive: { ...archive, entries }, isPart };
    if (entries.length > 0) findings.push(...(await this.unpack(order)));
    const files = archive.entries.filter((entry) => !isFolder(entry));
    return { findings, fileCount: files.length, unpackedBytes: files.reduce((sum, { size }) => sum + size, 0) };
  }

  private async read(zipFile: string): Promise<Archive | UnreadableArchive> {
    const file = await open(zipFile);
    try {
      return await readCentralDirectory(file, this.with_.limits.entries);
    } catch (error) {
      if (error instanceof UnreadableArchive) return error;
      throw error;
    } finally {
      await file.close();
    }
  }

  private async unpack(order: UnpackOrder): Promise<Finding[]> {
    const findings = await this.with_.unpack(order);
    if (hasErrors(findings)) return findings;
    return [...findings, ...(await this.readers.take(() => checkScriptSyntax(order.filesFolder)))];
  }
}

/** The script alone, if it is small and nothing is said against its entry. */
function harmlessScript(entries: readonly ArchiveEntry[], findings: readonly Finding[]): ArchiveEntry[] {
  if (findings.some(({ level, file }) => level === "error" && file === SCRIPT)) return [];
  const scripts = entries.filter(({ name, size }) => name === SCRIPT && size <= MAX_REFUSED_SCRIPT_BYTES);
  return scripts.length === 1 ? scripts : [];
}
