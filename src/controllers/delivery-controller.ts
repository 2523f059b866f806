// Deliveries over HTTP.
import type { Delivery } from "../entities/delivery.js";
import type { DeliveryFilter, DeliveryView } from "../models/delivery.js";
import { toInstant, toPage } from "../models/shapes.js";
import type { DeliveryService } from "../services/delivery-service.js";
import { API, ok, type Ask, type Reply } from "./reply.js";

interface ById {
  id: number;
}

export class DeliveryController {
  constructor(private readonly with_: { deliveries: DeliveryService }) {}

  list = async ({ query }: Ask<unknown, DeliveryFilter, unknown>): Promise<Reply> =>
    ok(toPage(await this.with_.deliveries.list(query), query.limit, showDelivery));

  get = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    ok(showDelivery(await this.with_.deliveries.get(params.id)));

  retry = async ({ params, actor }: Ask<ById, unknown, unknown>): Promise<Reply> => {
    const delivery = showDelivery(await this.with_.deliveries.retry(params.id, actor));
    return { status: 202, json: delivery };
  };
}

function showDelivery(row: Delivery): DeliveryView {
  return {
    id: row.id,
    channel: row.channel,
    occasion: row.occasion,
    executionId: row.executionId,
    batchId: row.batchId,
    batchName: row.batchName,
    recipient: row.recipient,
    messageId: row.messageId,
    attachLog: row.attachLog,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: toInstant(row.nextAttemptAt),
    giveUpAt: toInstant(row.giveUpAt),
    lastError: row.lastError,
    createdAt: toInstant(row.createdAt),
    finishedAt: toInstant(row.finishedAt),
    links: { execution: `${API}/executions/${row.executionId}` },
  };
}
