// The URL table of uploads of versions.
import { z } from "zod";
import type { VersionUploadController } from "../controllers/version-upload-controller.js";
import { batchSchema } from "../models/batch.js";
import { batchReference, idText } from "../models/shapes.js";
import { uploadQuery, uploadReportSchema } from "../models/upload.js";
import { versionSchema } from "../models/version.js";
import { route, type Route } from "./route.js";

const tag = "Versions";

export function versionUploadRoutes(versions: VersionUploadController): Route[] {
  return [
    route({
      method: "post",
      path: "/batches/:id/versions",
      tag,
      summary: "Upload another version of a batch, with its whole config if that changes too",
      description: "An archive that the batch has already is recognised, and answered with that version.",
      params: z.object({ id: batchReference }),
      query: uploadQuery.extend({
        activate: z
          .enum(["0", "1"], "must be 0 or 1")
          .transform((text) => text === "1")
          .default(true)
          .meta({ description: "0: keep it, but go on using the version that is active." }),
      }),
      repeatable: true,
      multipart: { files: { batch: { maxCount: 1, description: "The zip, with script.sh in its root." } } },
      body: z.strictObject({
        config: z.string().optional().meta({ description: "The batch config, as a JSON field or file." }),
      }),
      answers: {
        200: {
          description: "The version that has this content already; with dryRun the report.",
          schema: z.union([versionSchema, uploadReportSchema]),
        },
        201: { description: "The new version; Location is its address.", schema: versionSchema },
      },
      problems: [404, 409, 412, 413, 415, 422, 507],
      handle: versions.create,
    }),
    route({
      method: "post",
      path: "/batches/:id/versions/:n/activate",
      tag,
      summary: "Use a version from now on, for example an older one",
      description: "What is queued or runs keeps the version it has; so does what is pinned.",
      params: z.object({ id: batchReference, n: idText }),
      body: z
        .strictObject({
          config: z
            .boolean()
            .default(false)
            .meta({ description: "True: the config that was in use when it was uploaded comes back too." }),
        })
        .optional(),
      answers: { 200: { description: "The batch.", schema: batchSchema } },
      problems: [404, 409, 412, 413, 415],
      handle: versions.activate,
    }),
  ];
}
