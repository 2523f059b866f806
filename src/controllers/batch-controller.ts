// Batches over HTTP.
import { AppError } from "../errors.js";
import type { BatchFilter, GapChoice } from "../models/batch.js";
import type { RunRequest } from "../models/execution.js";
import { toPage } from "../models/shapes.js";
import type { BatchDetails } from "../services/batch-details.js";
import type { BatchService } from "../services/batch-service.js";
import type { ReceivedFile } from "../services/registration.js";
import { showBatch } from "./batch-view.js";
import { contentDisposition } from "./content-disposition.js";
import { showExecution } from "./execution-view.js";
import { API, made, ok, type Ask, type Reply } from "./reply.js";

interface ById {
  id: string;
}

/** The `config` part, and the one file of the `batch` part. */
interface BatchUpload {
  config: string;
}

export class BatchController {
  constructor(private readonly with_: { batches: BatchService }) {}

  create = async ({ body, files, actor }: Ask<unknown, unknown, BatchUpload>): Promise<Reply> =>
    created(await this.with_.batches.create(body.config, oneArchive(files["batch"]), actor));

  attach = async ({ params, body, files, actor }: Ask<ById, unknown, BatchUpload>): Promise<Reply> =>
    created(await this.with_.batches.attach(params.id, body.config, oneArchive(files["batch"]), actor));

  list = async ({ query }: Ask<unknown, BatchFilter, unknown>): Promise<Reply> => {
    const rows = (await this.with_.batches.list(query)).map((details) => ({ id: details.batch.id, details }));
    return ok(toPage(rows, query.limit, ({ details }) => showBatch(details)));
  };

  get = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    ok(showBatch(await this.with_.batches.get(params.id)));

  artifact = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> => {
    const { file, artifact } = await this.with_.batches.artifact(params.id);
    const headers = {
      "Content-Type": "application/zip",
      "Content-Length": String(artifact.bytes),
      "Content-Disposition": contentDisposition(artifact.fileName),
      ETag: `"${artifact.sha256}"`,
    };
    return { status: 200, headers, file };
  };

  run = async ({ params, body, actor }: Ask<ById, unknown, RunRequest | undefined>): Promise<Reply> => {
    const execution = await this.with_.batches.run(params.id, body ?? {}, actor);
    return made(202, `${API}/executions/${execution.id}`, showExecution({ execution, earlier: [] }));
  };

  enable = async ({ params, body, actor }: Ask<ById, unknown, { gap: GapChoice } | undefined>): Promise<Reply> =>
    ok(showBatch(await this.with_.batches.enable(params.id, body?.gap ?? "none", actor)));

  disable = async ({ params, actor }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    ok(showBatch(await this.with_.batches.disable(params.id, actor)));

  remove = async ({ params, query, actor }: Ask<ById, { force: boolean }, unknown>): Promise<Reply> => {
    await this.with_.batches.remove(params.id, query.force, actor);
    return { status: 204 };
  };
}

function created(details: BatchDetails): Reply {
  return made(201, `${API}/batches/${details.batch.id}`, showBatch(details));
}

function oneArchive(files: ReceivedFile[] = []): ReceivedFile {
  const [file] = files;
  if (file) return file;
  const message = "The upload has no archive: send the zip as the file part `batch`, beside the part `config`.";
  throw new AppError("invalid", message, {
    reason: "missing_part",
    errors: [{ pointer: "batch", message: "is missing" }],
  });
}
