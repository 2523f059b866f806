// The URL table of a batch's versions, and of its export.
import type { VersionController } from "../controllers/version-controller.js";
import { pageOf } from "../models/shapes.js";
import {
  diffQuery,
  exportQuery,
  versionDiffSchema,
  versionFileParams,
  versionFilesSchema,
  versionParams,
  versionQuery,
  versionSchema,
  versionsParams,
} from "../models/version.js";
import { route, type Route } from "./route.js";

const tag = "Versions";
const problems = [404];
const zip = "application/zip";

export function versionRoutes(versions: VersionController): Route[] {
  return [...versionOnlyRoutes(versions), ...contentRoutes(versions)];
}

function versionOnlyRoutes(versions: VersionController): Route[] {
  return [
    route({
      method: "get",
      path: "/batches/:id/versions",
      tag,
      summary: "List the versions of a batch, newest first",
      params: versionsParams,
      query: versionQuery,
      answers: { 200: { description: "A page of versions.", schema: pageOf(versionSchema) } },
      problems,
      handle: versions.list,
    }),
    route({
      method: "get",
      path: "/batches/:id/versions/:n",
      tag,
      summary: "Read a version",
      params: versionParams,
      answers: { 200: { description: "The version.", schema: versionSchema } },
      problems,
      handle: versions.get,
    }),
    route({
      method: "get",
      path: "/batches/:id/versions/:n/diff",
      tag,
      summary: "Compare a version with another one",
      description: "With `format=patch` the answer is one unified diff, as text/x-diff, and leaves the configs out.",
      params: versionParams,
      query: diffQuery,
      answers: { 200: { description: "What changed from this version to the other.", schema: versionDiffSchema } },
      problems,
      handle: versions.diff,
    }),
  ];
}

function contentRoutes(versions: VersionController): Route[] {
  return [
    route({
      method: "get",
      path: "/batches/:id/artifact",
      tag,
      summary: "Download the zip as it was uploaded",
      params: versionsParams,
      answers: { 200: { description: "The zip, byte for byte.", mediaType: "application/zip" } },
      problems: [404],
      handle: versions.activeArtifact,
    }),
    route({
      method: "get",
      path: "/batches/:id/versions/:n/artifact",
      tag,
      summary: "Download the zip of a version as it was uploaded",
      params: versionParams,
      answers: { 200: { description: "The zip, byte for byte.", mediaType: zip } },
      problems,
      handle: versions.artifact,
    }),
    route({
      method: "get",
      path: "/batches/:id/versions/:n/files",
      tag,
      summary: "List the files of a version",
      params: versionParams,
      answers: { 200: { description: "All of them, by path.", schema: versionFilesSchema } },
      problems,
      handle: versions.files,
    }),
    route({
      method: "get",
      path: "/batches/:id/versions/:n/files/*path",
      tag,
      summary: "Download one file of a version",
      description: "Text comes as text/plain, everything else as application/octet-stream; always as an attachment.",
      params: versionFileParams,
      answers: { 200: { description: "The file, byte for byte.", mediaType: "application/octet-stream" } },
      problems,
      handle: versions.file,
    }),
    route({
      method: "get",
      path: "/batches/:id/export",
      tag,
      summary: "Export a batch as one file: its config and its zip",
      params: versionsParams,
      query: exportQuery,
      answers: { 200: { description: "A zip that POST /batches/import takes.", mediaType: zip } },
      problems,
      handle: versions.export,
    }),
  ];
}
