// The versions of a batch as people and programs see them: what was uploaded when, its files, and how two differ.
import { z } from "zod";
import { actorSchema } from "./actor.js";
import { batchConfigSchema } from "./batch-config.js";
import { batchReference, idText, instantSchema, pageQuery } from "./shapes.js";

const versionNumber = z.number().int().positive();
const bytes = z.number().int().meta({ description: "Size in bytes." });
const executable = z.boolean().meta({ description: "True if a run finds it executable." });

export const versionSchema = z
  .object({
    version: versionNumber.meta({ description: "Counts the uploads of a batch, from 1." }),
    active: z.boolean().meta({ description: "True if new executions use it, unless something is pinned elsewhere." }),
    sha256: z.string().meta({ description: "Digest of the zip as uploaded, in hex." }),
    fileName: z.string().meta({ description: "The name under which the zip was uploaded." }),
    bytes: bytes.meta({ description: "Size of the zip." }),
    fileCount: z.number().int().meta({ description: "How many files it holds." }),
    unpackedBytes: bytes.meta({ description: "Size of all its files together." }),
    configRevision: z.number().int().meta({ description: "The config revision in use when it was uploaded." }),
    config: batchConfigSchema,
    createdAt: instantSchema,
    createdBy: actorSchema.nullable().meta({ description: "Who uploaded it; null where that was not recorded yet." }),
    missing: z.boolean().meta({ description: "True if its files are not on the server any more." }),
    links: z
      .object({ artifact: z.string(), files: z.string() })
      .meta({ description: "Addresses of its zip and files." }),
  })
  .meta({ id: "Version", description: "One uploaded zip of a batch, which never changes." });
/** A version as the API answers it. */
export type VersionView = z.infer<typeof versionSchema>;

export const versionFilesSchema = z
  .object({
    version: versionNumber,
    files: z
      .array(
        z.object({
          path: z.string().meta({ description: "Relative, with slashes." }),
          bytes,
          executable,
          crc32: z.string().meta({ description: "CRC-32 of its content, 8 hex digits." }),
        }),
      )
      .meta({ description: "Every file, by path." }),
  })
  .meta({ id: "VersionFiles", description: "The files of a version." });
export type VersionFilesView = z.infer<typeof versionFilesSchema>;

/** What a thing was and is; null on the side where it is not. */
function sides<T extends z.ZodType>(side: T, description: string) {
  return z.object({ from: side.nullable(), to: side.nullable() }).meta({ description });
}

const FILE_CHANGES = ["added", "removed", "changed", "mode"] as const;
/** What became of a file from one version to another; `mode`: nothing but whether it is executable. */
export type FileChangeKind = (typeof FILE_CHANGES)[number];

const fileChangeSchema = z
  .object({
    path: z.string(),
    change: z.enum(FILE_CHANGES).meta({ description: "mode: nothing but whether it is executable." }),
    binary: z.boolean().meta({ description: "True if it is no UTF-8 text on either side." }),
    bytes: sides(bytes, "Its sizes; null where it does not exist."),
    executable: sides(executable, "Is it executable? Null where it does not exist."),
    patch: z.string().nullable().meta({ description: "Its part of the patch, as git writes it; null: see note." }),
    note: z.string().nullable().meta({ description: "Why there is no patch." }),
  })
  .meta({ id: "FileChange", description: "What became of one file." });

/** A change of one file. */
export type FileChange = z.infer<typeof fileChangeSchema>;

const configChangeSchema = z
  .object({
    pointer: z.string().meta({ description: "JSON pointer of the key." }),
    from: z.unknown().meta({ description: "Its value before; null if it had none." }),
    to: z.unknown().meta({ description: "Its value after; null if it has none." }),
  })
  .meta({ id: "ConfigChange", description: "A key of the config whose value differs." });
export type ConfigChange = z.infer<typeof configChangeSchema>;

export const versionDiffSchema = z
  .object({
    from: versionNumber,
    to: versionNumber,
    files: z.array(fileChangeSchema).meta({ description: "Every file that differs, by path." }),
    config: z.array(configChangeSchema).meta({ description: "What differs between the configs of the two." }),
    truncated: z.boolean().meta({ description: "True if there was more than one answer holds." }),
  })
  .meta({ id: "VersionDiff", description: "What changed from one version to another." });
export type VersionDiffView = z.infer<typeof versionDiffSchema>;

export const versionsParams = z.object({ id: batchReference });
export const versionParams = z.object({ id: batchReference, n: idText.meta({ description: "A version's number." }) });

/** The router gives the segments of a path, decoded; in the address it is a text. */
const filePath = z
  .array(z.string())
  .transform((segments) => segments.join("/"))
  .meta({
    override: { type: "string", items: undefined },
    description: "A path of the version's files, each part percent-encoded, with slashes between them.",
  });
export const versionFileParams = versionParams.extend({ path: filePath });

export const versionQuery = z.strictObject(pageQuery);
/** Which page of a batch's versions; the cursor is the version after which it begins. */
export interface VersionFilter {
  limit: number;
  cursor?: number | undefined;
}

export const diffQuery = z.strictObject({
  to: idText.optional().meta({ description: "The version to compare with; the active one if left out." }),
  format: z
    .enum(["json", "patch"], "must be json or patch")
    .default("json")
    .meta({ description: "patch: one unified diff as text/x-diff, for `patch -p1` and `git apply`." }),
});
export type DiffQuery = z.output<typeof diffQuery>;

export const exportQuery = z.strictObject({
  version: idText.optional().meta({ description: "Which version's zip; the active one's if left out." }),
});

/** What stands beside config and archive in the one file that a batch is exported to. */
export const exportNoteSchema = z.object({
  format: z.literal(1),
  name: z.string().min(1).max(128),
  version: versionNumber,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  exportedAt: instantSchema,
});
export type ExportNote = z.infer<typeof exportNoteSchema>;
