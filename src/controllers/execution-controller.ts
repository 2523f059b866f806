// Executions and their logs over HTTP.
import type { LogStream, OpenLog } from "../handlers/log-store.js";
import type { ExecutionFilter, RerunRequest } from "../models/execution.js";
import { toPage } from "../models/shapes.js";
import type { ExecutionService } from "../services/execution-service.js";
import type { Rerun } from "../services/rerun.js";
import { parseRange } from "./byte-range.js";
import { contentDisposition } from "./content-disposition.js";
import { demanded, showExecution } from "./execution-view.js";
import { concluding, ok, type Ask, type Reply } from "./reply.js";

interface ById {
  id: number;
}

interface LogQuery {
  tail?: number | undefined;
  attempt?: number | undefined;
  from: number;
  follow: boolean;
}

export class ExecutionController {
  constructor(private readonly with_: { executions: ExecutionService; rerun: Rerun }) {}

  list = async ({ query }: Ask<unknown, ExecutionFilter, unknown>): Promise<Reply> => {
    const rows = (await this.with_.executions.list(query)).map((details) => ({ id: details.execution.id, details }));
    return ok(toPage(rows, query.limit, ({ details }) => showExecution(details)));
  };

  get = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    ok(showExecution(await this.with_.executions.get(params.id)));

  cancel = async ({ params, actor }: Ask<ById, unknown, unknown>): Promise<Reply> => {
    const execution = showExecution(await this.with_.executions.cancel(params.id, actor));
    return { status: 202, json: execution };
  };

  rerun = async (ask: Ask<ById, unknown, RerunRequest | undefined>): Promise<Reply> => {
    const { params, body, actor } = ask;
    const asking = { actor, conclude: concluding(ask, demanded) };
    return demanded(await this.with_.rerun.rerun(params.id, body ?? {}, asking));
  };

  log = (ask: Ask<ById, LogQuery, unknown>): Promise<Reply> => this.sendLog(ask, "log");

  errorLog = (ask: Ask<ById, LogQuery, unknown>): Promise<Reply> => this.sendLog(ask, "error_log");

  private async sendLog(
    { params, query, headers, gone }: Ask<ById, LogQuery, unknown>,
    stream: LogStream,
  ): Promise<Reply> {
    const { executions } = this.with_;
    const wanted = { stream, attempt: query.attempt };
    const attempt = await executions.attemptOf(params.id, wanted);
    const file = query.follow && attempt === 0 ? null : await executions.openLog(params.id, wanted);
    const from = query.tail === undefined || !file ? query.from : await file.tailOffset(query.tail);
    const shared = {
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Disposition": contentDisposition(`execution-${params.id}.${stream === "log" ? "log" : "error.log"}`),
      "Cache-Control": "no-store",
      "Batchline-Attempt": String(attempt || 1),
    };
    if (query.follow) {
      await file?.close();
      const bytes = await executions.followLog(params.id, wanted, from, gone);
      return { status: 200, headers: shared, bytes, live: true };
    }
    const size = file?.size ?? 0;
    const first = Math.min(from, size);
    // A range speaks of the whole log, so it and `tail` do not go together: the tail wins.
    const range = query.tail === undefined ? parseRange(headers["range"], size) : null;
    if (range === "unsatisfiable") {
      await file?.close();
      return { status: 416, headers: { "Content-Range": `bytes */${size}` } };
    }
    const [start, end] = range ? [range.start, range.end] : [first, size];
    const partial = range ? { "Content-Range": `bytes ${start}-${end - 1}/${size}` } : {};
    const length = { "Accept-Ranges": "bytes", "Content-Length": String(end - start) };
    return { status: range ? 206 : 200, headers: { ...shared, ...length, ...partial }, bytes: slice(file, start, end) };
  }
}

/** The bytes from `start` up to `end` as the log was when opened, closing it whatever happens. */
async function* slice(file: OpenLog | null, start: number, end: number): AsyncGenerator<Buffer> {
  if (!file) return;
  try {
    if (end > start) yield* file.read(start, end) as AsyncIterable<Buffer>;
  } finally {
    await file.close();
  }
}
