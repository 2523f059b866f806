// Triggers over HTTP.
import { toPage } from "../models/shapes.js";
import type { FireRequest, TriggerDocument, TriggerFilter } from "../models/trigger.js";
import { isFinal } from "../models/status.js";
import type { ExecutionService } from "../services/execution-service.js";
import type { Firing, TriggerFiring } from "../services/trigger-firing.js";
import type { TriggerKeys } from "../services/trigger-keys.js";
import type { TriggerDetails, TriggerEdit, TriggerService } from "../services/trigger-service.js";
import { showExecution } from "./execution-view.js";
import { API, concluding, made, ok, type Ask, type Reply } from "./reply.js";
import { showFiring, showTrigger } from "./trigger-view.js";

interface ById {
  id: number;
}

interface Collaborators {
  triggers: TriggerService;
  keys: TriggerKeys;
  firing: TriggerFiring;
  executions: ExecutionService;
}

export class TriggerController {
  constructor(private readonly with_: Collaborators) {}

  list = async ({ query }: Ask<unknown, TriggerFilter, unknown>): Promise<Reply> => {
    const rows = (await this.with_.triggers.list(query)).map((details) => ({ id: details.trigger.id, details }));
    return ok(toPage(rows, query.limit, ({ details }) => showTrigger(details)));
  };

  create = async (ask: Ask<unknown, unknown, TriggerDocument>): Promise<Reply> => {
    const { body, actor } = ask;
    return created(await this.with_.triggers.create(body, { actor, conclude: concluding(ask, created) }));
  };

  get = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    shown(await this.with_.triggers.get(params.id));

  patch = (ask: Ask<ById, unknown, unknown>): Promise<Reply> => this.edit(ask, { patch: ask.body });

  put = (ask: Ask<ById, unknown, TriggerDocument>): Promise<Reply> => this.edit(ask, { document: ask.body });

  remove = async ({ params, headers, actor }: Ask<ById, unknown, unknown>): Promise<Reply> => {
    await this.with_.triggers.remove(params.id, { ifMatch: headers["if-match"], actor });
    return { status: 204 };
  };

  fire = async (ask: Ask<ById, { wait?: number | undefined }, FireRequest | undefined>): Promise<Reply> => {
    const { params, query, body, actor, gone } = ask;
    const asking = { actor, conclude: concluding(ask, accepted) };
    const firing = await this.with_.firing.fire(params.id, body ?? {}, asking);
    if (query.wait === undefined || !firing.execution) return accepted(firing);
    await this.with_.firing.awaitEnd(firing.execution, query.wait, gone);
    const details = await this.with_.executions.get(firing.execution.id);
    const json = { eventId: firing.eventId, execution: showExecution(details) };
    return { ...accepted(firing), status: isFinal(details.execution.status) ? 200 : 202, json };
  };

  makeToken = async ({ params, actor }: Ask<ById, unknown, unknown>): Promise<Reply> => ({
    status: 201,
    json: await this.with_.keys.makeToken(params.id, actor),
  });

  revokeToken = async ({ params, actor }: Ask<ById, unknown, unknown>): Promise<Reply> => {
    await this.with_.keys.revokeToken(params.id, actor);
    return { status: 204 };
  };

  addSecret = async ({ params, actor }: Ask<ById, unknown, unknown>): Promise<Reply> => ({
    status: 201,
    json: await this.with_.keys.addSecret(params.id, actor),
  });

  removeSecret = async ({ params, actor }: Ask<ById & { secret: number }, unknown, unknown>): Promise<Reply> => {
    await this.with_.keys.removeSecret(params.id, params.secret, actor);
    return { status: 204 };
  };

  private async edit(
    { params, headers, actor }: Ask<ById, unknown, unknown>,
    change: TriggerEdit["change"],
  ): Promise<Reply> {
    return shown(await this.with_.triggers.edit(params.id, { change, ifMatch: headers["if-match"], actor }));
  }
}

function shown(details: TriggerDetails): Reply {
  const json = showTrigger(details);
  return { status: 200, headers: { ETag: json.etag }, json };
}

function created(details: TriggerDetails): Reply {
  const json = showTrigger(details);
  return made(201, `${API}/triggers/${json.id}`, json);
}

function accepted(firing: Firing): Reply {
  const { eventId, execution } = firing;
  const place = execution ? `${API}/executions/${execution.id}` : `${API}/events/${eventId}`;
  return made(202, place, showFiring(firing));
}
