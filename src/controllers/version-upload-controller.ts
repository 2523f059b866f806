// Uploads of versions over HTTP, and which of them is active.
import type { UploadWish } from "../models/upload.js";
import type { UploadedVersion, VersionService } from "../services/version-service.js";
import { oneFile } from "./batch-controller.js";
import { showBatch } from "./batch-view.js";
import { showVersion } from "./version-view.js";
import { API, concluding, made, ok, uploadReply, type Ask, type Reply } from "./reply.js";

interface ByVersion {
  id: string;
  n: number;
}

interface VersionBody {
  config?: string | undefined;
}

export class VersionUploadController {
  constructor(private readonly with_: { versions: VersionService }) {}

  create = async (ask: Ask<{ id: string }, UploadWish & { activate: boolean }, VersionBody>): Promise<Reply> => {
    const { params, body, query, files, headers, actor } = ask;
    const { activate, ...wish } = query;
    const file = oneFile(files["batch"]);
    const upload = { reference: params.id, file, config: body.config, activate, ifMatch: headers["if-match"] };
    const circumstances = { actor, wish, conclude: concluding(ask, uploaded) };
    return uploadReply(await this.with_.versions.upload(upload, circumstances), uploaded);
  };

  activate = async ({
    params,
    body,
    headers,
    actor,
  }: Ask<ByVersion, unknown, { config: boolean } | undefined>): Promise<Reply> => {
    const { id: reference, n: version } = params;
    const order = { reference, version, config: body?.config ?? false, ifMatch: headers["if-match"], actor };
    return ok(showBatch(await this.with_.versions.activate(order)));
  };
}

function uploaded(version: UploadedVersion): Reply {
  const here = `${API}/batches/${version.batch.id}/versions/${version.artifact.version}`;
  return { ...made(201, here, showVersion(version)), status: version.known ? 200 : 201 };
}
