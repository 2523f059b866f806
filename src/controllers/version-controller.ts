// The versions of a batch over HTTP.
import { Readable } from "node:stream";
import { toPage } from "../models/shapes.js";
import type { DiffQuery, VersionFilter } from "../models/version.js";
import type { VersionReading } from "../services/version-reading.js";
import { contentDisposition } from "./content-disposition.js";
import { ok, type Ask, type Reply } from "./reply.js";
import { showDiff, showFiles, showPatch, showVersion } from "./version-view.js";

interface ById {
  id: string;
}

interface ByVersion extends ById {
  n: number;
}

interface ByPath extends ByVersion {
  path: string;
}

export class VersionController {
  constructor(private readonly with_: { versions: VersionReading }) {}

  list = async ({ params, query }: Ask<ById, VersionFilter, unknown>): Promise<Reply> => {
    const rows = (await this.with_.versions.list(params.id, query)).map((details) => {
      return { id: details.artifact.version, details };
    });
    return ok(toPage(rows, query.limit, ({ details }) => showVersion(details)));
  };

  get = async ({ params }: Ask<ByVersion, unknown, unknown>): Promise<Reply> =>
    ok(showVersion(await this.with_.versions.get(params.id, params.n)));

  artifact = ({ params }: Ask<ByVersion, unknown, unknown>): Promise<Reply> => this.zip(params.id, params.n);

  activeArtifact = ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> => this.zip(params.id);

  files = async ({ params }: Ask<ByVersion, unknown, unknown>): Promise<Reply> =>
    ok(showFiles(await this.with_.versions.files(params.id, params.n)));

  file = async ({ params }: Ask<ByPath, unknown, unknown>): Promise<Reply> => {
    const file = await this.with_.versions.file(params.id, params.n, params.path);
    const type = file.isText ? "text/plain; charset=utf-8" : "application/octet-stream";
    return download(params.path.split("/").at(-1) ?? "", type, file);
  };

  diff = async ({ params, query }: Ask<ByVersion, DiffQuery, unknown>): Promise<Reply> => {
    const diff = await this.with_.versions.diff(params.id, params.n, query.to);
    if (query.format === "json") return ok(showDiff(diff));
    const { batch } = diff.from;
    const name = `${batch.name}-${diff.from.artifact.version}-${diff.to.artifact.version}.patch`;
    const patch = Buffer.from(showPatch(diff));
    return download(name, "text/x-diff; charset=utf-8", { bytes: patch.length, content: Readable.from([patch]) });
  };

  export = async ({ params, query }: Ask<ById, { version?: number | undefined }, unknown>): Promise<Reply> => {
    const { batch, ...file } = await this.with_.versions.export(params.id, query.version);
    return download(`${batch.name}.batchline.zip`, "application/zip", file);
  };

  private async zip(reference: string, version?: number): Promise<Reply> {
    const { artifact, zip } = await this.with_.versions.artifact(reference, version);
    const reply = download(artifact.fileName, "application/zip", zip);
    return { ...reply, headers: { ...reply.headers, ETag: `"${artifact.sha256}"` } };
  }
}

function download(
  fileName: string,
  type: string,
  { bytes, content }: { bytes: number; content: Readable },
): Reply & { headers: Record<string, string> } {
  const headers = {
    "Content-Type": type,
    "Content-Length": String(bytes),
    "Content-Disposition": contentDisposition(fileName),
  };
  return { status: 200, headers, bytes: content };
}
