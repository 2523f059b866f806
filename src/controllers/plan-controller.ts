// The plan over HTTP: what should run, why something ran or did not, and what a pause has left open.
import type { PlanFilter } from "../models/plan.js";
import type { PlanService } from "../services/plan-service.js";
import type { WhyService } from "../services/why-service.js";
import { showGap, showPlannedPage } from "./plan-view.js";
import { ok, type Ask, type Reply } from "./reply.js";
import { showWhy } from "./why-view.js";

interface ById {
  id: string;
}

interface WhyQuery {
  at?: number | undefined;
}

export class PlanController {
  constructor(private readonly with_: { plan: PlanService; why: WhyService }) {}

  plannedRuns = async ({ query }: Ask<unknown, PlanFilter, unknown>): Promise<Reply> =>
    ok(showPlannedPage(await this.with_.plan.plannedRuns(query)));

  gap = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    ok(showGap(await this.with_.plan.gap(params.id)));

  why = async ({ params, query }: Ask<ById, WhyQuery, unknown>): Promise<Reply> =>
    ok(showWhy(await this.with_.why.explain(params.id, query.at)));
}
