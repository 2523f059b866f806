// How versions, their files and their differences are shown.
import { toInstant } from "../models/shapes.js";
import type { VersionDiffView, VersionFilesView, VersionView } from "../models/version.js";
import type { VersionDetails, VersionDiff, VersionReading } from "../services/version-reading.js";
import { API } from "./reply.js";

export function showVersion({ batch, artifact, config, missing }: VersionDetails): VersionView {
  const { version, sha256, fileName, bytes, fileCount, unpackedBytes, configRevision, createdBy } = artifact;
  const here = `${API}/batches/${batch.id}/versions/${version}`;
  return {
    version,
    active: version === batch.version,
    sha256,
    fileName,
    bytes,
    fileCount,
    unpackedBytes,
    configRevision,
    config,
    createdAt: toInstant(artifact.createdAt),
    createdBy,
    missing,
    links: { artifact: `${here}/artifact`, files: `${here}/files` },
  };
}

export function showFiles({ artifact, files }: Awaited<ReturnType<VersionReading["files"]>>): VersionFilesView {
  const shown = files.map(({ crc32, ...file }) => ({ ...file, crc32: crc32.toString(16).padStart(8, "0") }));
  return { version: artifact.version, files: shown };
}

export function showDiff({ from, to, files, config, truncated }: VersionDiff): VersionDiffView {
  return { from: from.artifact.version, to: to.artifact.version, files, config, truncated };
}

/**
 * All of a difference as one patch. What a patch cannot carry stands before the first of them, in lines that the
 * programs that apply it pass over; further down, they would take them for a part of the patch before.
 */
export function showPatch({ files, truncated }: VersionDiff): string {
  const told = files.flatMap(({ path, change, binary, patch, note }) => {
    if (patch !== null) return [];
    const names = `${change === "added" ? "/dev/null" : `a/${path}`} and ${change === "removed" ? "/dev/null" : `b/${path}`}`;
    return [binary ? `Binary files ${names} differ\n` : `Files ${names} differ. ${note ?? ""}\n`];
  });
  if (truncated) told.unshift("This patch is not whole: more has changed than one answer holds.\n");
  return [...told, ...files.map(({ patch }) => patch ?? "")].join("");
}
