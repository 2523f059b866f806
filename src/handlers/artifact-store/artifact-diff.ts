// Compares two stored artifacts file by file, within bounds of time, memory and size.
import type { FileHandle } from "node:fs/promises";
import type { FileChange, FileChangeKind } from "../../models/version.js";
import { isText, listFiles, openStored, textOf, type ArtifactPlace, type StoredFile } from "./artifact-reader.js";
import { patchOf } from "./file-patch.js";
import { Turns } from "../turns.js";

/** What differs between two artifacts, by path. */
export interface ArtifactDiff {
  files: FileChange[];
  /** True if there is more than this. */
  truncated: boolean;
}

/** The same path in both artifacts; undefined where it has no file. */
interface Pair {
  path: string;
  from: StoredFile | undefined;
  to: StoredFile | undefined;
}

/** What a file is, as far as it is needed: without `text` it is no text, or too large to be compared by lines. */
interface Content {
  binary: boolean;
  text: string | null;
}

/** At once: each holds two files in memory. */
const COMPARISONS = 2;
const MAX_FILES = 1000;
const MAX_PATCH_BYTES = 2 * 1024 ** 2;
/** What is larger than one of these is not compared by lines: splitting it alone would hold up the service. */
const MAX_COMPARED_BYTES = 1024 ** 2;
const MAX_COMPARED_LINES = 20_000;
const FILE_PATIENCE_MS = 3000;
const PATIENCE_MS = 10_000;
const CHUNK_BYTES = 256 * 1024;
/** Most files are small, and opening them takes longer than reading them. */
const PAIRS_AT_ONCE = 16;

const BINARY = "It is no text.";
const TOO_LARGE = "It is too large to be compared by lines: more than 1 MiB, or 20000 lines.";
const TOO_DIFFERENT = "Comparing it by lines took too long.";
const NO_ROOM = "The lines of the files before it fill the answer.";

/** Compares artifacts, a bounded number at once. */
export class ArtifactComparer {
  private readonly turns = new Turns(COMPARISONS);

  /** Waits for its turn. What has the same size and checksum is compared byte by byte: a checksum can be forged. */
  compare(from: ArtifactPlace, to: ArtifactPlace): Promise<ArtifactDiff> {
    return this.turns.take(() => new Comparison(from, to).run());
  }
}

class Comparison {
  private patchBytes = 0;
  private isFull = false;
  private readonly deadline = performance.now() + PATIENCE_MS;

  constructor(
    private readonly from: ArtifactPlace,
    private readonly to: ArtifactPlace,
  ) {}

  async run(): Promise<ArtifactDiff> {
    const files: FileChange[] = [];
    const pairs = pairsOf(await listFiles(this.from), await listFiles(this.to));
    for (let at = 0; at < pairs.length; at += PAIRS_AT_ONCE) {
      const some = pairs.slice(at, at + PAIRS_AT_ONCE);
      const changes = await Promise.all(some.map(async (pair) => ({ pair, change: await this.changeOf(pair) })));
      for (const { pair, change } of changes) {
        if (!change) continue;
        if (files.length === MAX_FILES) return { files, truncated: true };
        files.push(await this.describe(pair, change));
      }
    }
    return { files, truncated: this.isFull };
  }

  private async changeOf({ from, to }: Pair): Promise<FileChangeKind | null> {
    if (!from || !to) return from ? "removed" : "added";
    const differs = from.bytes !== to.bytes || from.crc32 !== to.crc32 || !(await this.isSame(from, to));
    if (differs) return "changed";
    return from.executable === to.executable ? null : "mode";
  }

  private isSame(from: StoredFile, to: StoredFile): Promise<boolean> {
    return withFile(this.from, from, (a) => withFile(this.to, to, (b) => haveSameBytes(a, b, from.bytes)));
  }

  private async describe(pair: Pair, change: FileChangeKind): Promise<FileChange> {
    const { path, from, to } = pair;
    const contents = [await contentOf(this.from, from), await contentOf(this.to, to)] as const;
    const binary = contents.some((content) => content?.binary);
    const lines = await this.patch(pair, change === "mode" ? [SAME, SAME] : contents);
    return {
      path,
      change,
      binary,
      bytes: { from: from?.bytes ?? null, to: to?.bytes ?? null },
      executable: { from: from?.executable ?? null, to: to?.executable ?? null },
      ...lines,
    };
  }

  private async patch(
    { path, from, to }: Pair,
    [before, after]: readonly [Content | null, Content | null],
  ): Promise<Pick<FileChange, "patch" | "note">> {
    const without = (note: string) => ({ patch: null, note });
    if (before?.binary || after?.binary) return without(BINARY);
    if (before?.text === null || after?.text === null) return without(TOO_LARGE);
    if (this.isFull) return without(NO_ROOM);
    const side = (file: StoredFile | undefined, content: Content | null) =>
      file ? { text: content?.text ?? "", executable: file.executable } : null;
    const patience = Math.min(FILE_PATIENCE_MS, this.deadline - performance.now());
    const patch = await patchOf(path, side(from, before), side(to, after), patience);
    if (patch === null) return without(TOO_DIFFERENT);
    this.isFull = this.patchBytes + Buffer.byteLength(patch) > MAX_PATCH_BYTES;
    if (this.isFull) return without(NO_ROOM);
    this.patchBytes += Buffer.byteLength(patch);
    return { patch, note: null };
  }
}

/** Stands for contents that are the same on both sides. */
const SAME: Content = { binary: false, text: "" };

function pairsOf(from: StoredFile[], to: StoredFile[]): Pair[] {
  const before = new Map(from.map((file) => [file.path, file]));
  const after = new Map(to.map((file) => [file.path, file]));
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.map((path) => ({ path, from: before.get(path), to: after.get(path) }));
}

async function contentOf(place: ArtifactPlace, file: StoredFile | undefined): Promise<Content | null> {
  if (!file) return null;
  return withFile(place, file, async (handle) => {
    if (file.bytes > MAX_COMPARED_BYTES) return { binary: !(await isText(handle)), text: null };
    const text = textOf(await handle.readFile());
    return { binary: text === null, text: text !== null && hasFewLines(text) ? text : null };
  });
}

function hasFewLines(text: string): boolean {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0 && count <= MAX_COMPARED_LINES; at = text.indexOf("\n", at + 1)) count += 1;
  return count <= MAX_COMPARED_LINES;
}

async function haveSameBytes(a: FileHandle, b: FileHandle, size: number): Promise<boolean> {
  const length = Math.min(size, CHUNK_BYTES);
  const [ofA, ofB] = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(length)];
  for (let position = 0; ;) {
    const read = await Promise.all([a.read(ofA, 0, length, position), b.read(ofB, 0, length, position)]);
    const [inA, inB] = read.map(({ bytesRead }) => bytesRead) as [number, number];
    const both = Math.min(inA, inB);
    if (!ofA.subarray(0, both).equals(ofB.subarray(0, both))) return false;
    if (both === 0) return inA === inB;
    position += both;
  }
}

async function withFile<T>(
  place: ArtifactPlace,
  file: StoredFile,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await openStored(place, file);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
