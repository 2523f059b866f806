// Batches over HTTP.
import { AppError } from "../errors.js";
import type { ReceivedFile } from "../handlers/artifact-store/artifact-store.js";
import type { BatchFilter, GapChoice } from "../models/batch.js";
import type { RunRequest } from "../models/execution.js";
import { toPage } from "../models/shapes.js";
import type { UploadWish } from "../models/upload.js";
import type { BatchEditing } from "../services/batch-editing.js";
import type { BatchDetails } from "../services/batch-details.js";
import type { BatchService } from "../services/batch-service.js";
import { showBatch } from "./batch-view.js";
import { demanded } from "./execution-view.js";
import { API, concluding, made, ok, uploadReply, type Ask, type Reply } from "./reply.js";

interface ById {
  id: string;
}

/** The `config` part, and the one file of the `batch` part. */
interface BatchUpload {
  config: string;
}

export class BatchController {
  constructor(private readonly with_: { batches: BatchService; editing: BatchEditing }) {}

  create = (ask: Ask<unknown, UploadWish, BatchUpload>): Promise<Reply> => this.take(ask, {});

  attach = (ask: Ask<ById, UploadWish, BatchUpload>): Promise<Reply> => this.take(ask, { after: ask.params.id });

  import = async (ask: Ask<unknown, UploadWish, { name?: string | undefined }>): Promise<Reply> => {
    const { body, files, query, actor } = ask;
    const upload = { file: oneFile(files["export"], "export"), name: body.name };
    const circumstances = { actor, wish: query, conclude: concluding(ask, created) };
    return uploadReply(await this.with_.batches.import(upload, circumstances), created);
  };

  list = async ({ query }: Ask<unknown, BatchFilter, unknown>): Promise<Reply> => {
    const rows = (await this.with_.batches.list(query)).map((details) => ({ id: details.batch.id, details }));
    return ok(toPage(rows, query.limit, ({ details }) => showBatch(details)));
  };

  get = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    shown(await this.with_.batches.get(params.id));

  edit = async (ask: Ask<ById, UploadWish, unknown>): Promise<Reply> => {
    const { params, body, query, headers, actor } = ask;
    const patch = { reference: params.id, patch: body, ifMatch: headers["if-match"] };
    const circumstances = { actor, wish: query, conclude: concluding(ask, shown) };
    return uploadReply(await this.with_.editing.edit(patch, circumstances), shown);
  };

  run = async (ask: Ask<ById, unknown, RunRequest | undefined>): Promise<Reply> => {
    const { params, body, actor } = ask;
    const asking = { actor, conclude: concluding(ask, demanded) };
    return demanded(await this.with_.batches.run(params.id, body ?? {}, asking));
  };

  enable = async ({ params, body, actor }: Ask<ById, unknown, { gap: GapChoice } | undefined>): Promise<Reply> =>
    shown(await this.with_.batches.enable(params.id, body?.gap ?? "none", actor));

  disable = async ({ params, actor }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    shown(await this.with_.batches.disable(params.id, actor));

  remove = async ({ params, query, headers, actor }: Ask<ById, { force: boolean }, unknown>): Promise<Reply> => {
    await this.with_.batches.remove(params.id, { force: query.force, ifMatch: headers["if-match"], actor });
    return { status: 204 };
  };

  private async take(ask: Ask<unknown, UploadWish, BatchUpload>, place: { after?: string }): Promise<Reply> {
    const { body, files, query, actor } = ask;
    const upload = { config: body.config, file: oneFile(files["batch"]), ...place };
    const circumstances = { actor, wish: query, conclude: concluding(ask, created) };
    return uploadReply(await this.with_.batches.create(upload, circumstances), created);
  }
}

/** A batch with its entity tag, for the If-Match of what comes next. */
function shown(details: BatchDetails): Reply {
  const view = showBatch(details);
  return { status: 200, headers: { ETag: view.etag }, json: view };
}

function created(details: BatchDetails): Reply {
  return made(201, `${API}/batches/${details.batch.id}`, showBatch(details));
}

/** The one file of a part. @throws AppError `invalid` if there is none */
export function oneFile(files: ReceivedFile[] = [], part = "batch"): ReceivedFile {
  const [file] = files;
  if (file) return file;
  const beside = part === "batch" ? ", beside the part `config`" : "";
  const message = `The upload has no archive: send the zip as the file part \`${part}\`${beside}.`;
  throw new AppError("invalid", message, {
    reason: "missing_part",
    errors: [{ pointer: part, message: "is missing" }],
  });
}
