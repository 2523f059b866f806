// Looking things up in logs over HTTP.
import type { BatchSearchQuery, FirstErrorQuery, LogLinesQuery, LogSearchQuery } from "../models/log-reading.js";
import type { BatchLogSearching } from "../services/batch-log-searching.js";
import type { LogReading } from "../services/log-reading.js";
import { showBatchSearch, showFirstError, showLines, showSearch } from "./log-view.js";
import { ok, type Ask, type Reply } from "./reply.js";

interface ById {
  id: number;
}

export class LogController {
  constructor(private readonly with_: { reading: LogReading; searching: BatchLogSearching }) {}

  search = async ({ params, query, gone }: Ask<ById, LogSearchQuery, unknown>): Promise<Reply> =>
    ok(showSearch(await this.with_.reading.search(params.id, query, gone)));

  lines = async ({ params, query, gone }: Ask<ById, LogLinesQuery, unknown>): Promise<Reply> =>
    ok(showLines(await this.with_.reading.lines(params.id, query, gone)));

  firstError = async ({ params, query, gone }: Ask<ById, FirstErrorQuery, unknown>): Promise<Reply> =>
    ok(showFirstError(await this.with_.reading.firstError(params.id, query, gone)));

  searchBatch = async ({ params, query, gone }: Ask<{ id: string }, BatchSearchQuery, unknown>): Promise<Reply> =>
    ok(showBatchSearch(await this.with_.searching.search(params.id, query, gone)));
}
