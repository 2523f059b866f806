// Chain runs over HTTP.
import { toInstant } from "../models/shapes.js";
import type { ChainRunView } from "../models/chain-run.js";
import type { ChainRunDetails, ChainRunService } from "../services/chain-run-service.js";
import { showExecution } from "./execution-view.js";
import { ok, type Ask, type Reply } from "./reply.js";

interface ById {
  id: number;
}

export class ChainRunController {
  constructor(private readonly with_: { chainRuns: ChainRunService }) {}

  get = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    ok(showChainRun(await this.with_.chainRuns.get(params.id)));

  cancel = async ({ params, actor }: Ask<ById, unknown, unknown>): Promise<Reply> => {
    const run = showChainRun(await this.with_.chainRuns.cancel(params.id, actor));
    return { status: 202, json: run };
  };
}

function showChainRun({ run, status, executions }: ChainRunDetails): ChainRunView {
  return {
    id: run.id,
    headBatchId: run.headBatchId,
    status,
    createdAt: toInstant(run.createdAt),
    cancelledAt: toInstant(run.cancelledAt),
    cancelledBy: run.cancelledBy,
    links: run.plan.links.map((link) => ({ ...link, version: link.version ?? null })),
    executions: executions.map(showExecution),
  };
}
