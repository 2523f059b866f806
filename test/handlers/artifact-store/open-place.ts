// An artifact laid out by hand, as the store would have done it, for tests with more files than it takes in quickly.
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { ArtifactPlace } from "../../../src/handlers/artifact-store/artifact-reader.js";
import { craftZip, type ZipFiles } from "../../support/zips.js";

/** Writes the zip and the unpacked files into a folder that is removed after the test. */
export async function openPlace(contents: ZipFiles): Promise<ArtifactPlace> {
  const folder = await mkdtemp(join(tmpdir(), "artifact-place-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const place = { zipFile: join(folder, "artifact.zip"), filesFolder: join(folder, "files") };
  mkdirSync(place.filesFolder);
  const entries = filesOf(contents).map((file) => ({ ...file, mode: file.mode | 0o100000 }));
  writeFileSync(place.zipFile, craftZip(entries));
  writeTree(place.filesFolder, contents);
  return place;
}

/** Writes files into a folder, with their exec bits. */
export function writeTree(folder: string, contents: ZipFiles): void {
  for (const { name, content, mode } of filesOf(contents)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode });
  }
}

function filesOf(contents: ZipFiles): { name: string; content: string | Buffer; mode: number }[] {
  return Object.entries(contents).map(([name, file]) => {
    const isPlain = typeof file === "string" || Buffer.isBuffer(file);
    return isPlain ? { name, content: file, mode: 0o644 } : { name, ...file };
  });
}
