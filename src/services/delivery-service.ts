// Deliveries, for whoever asks: list, read, try again.
import type { Database } from "../database/database.js";
import { pageOfDeliveries } from "../database/delivery-queries.js";
import { updateRows } from "../database/plain.js";
import { Delivery } from "../entities/delivery.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import { aboutDelivery, NO_MAIL_SERVER, type Mailer } from "../jobs/mailer.js";
import type { Actor } from "../models/actor.js";
import { DELIVERY_PERIOD_MS, type DeliveryFilter } from "../models/delivery.js";

interface Collaborators {
  database: Database;
  clock: Clock;
  events: EventLog;
  mailer: Mailer;
}

export class DeliveryService {
  constructor(private readonly with_: Collaborators) {}

  /** One more than the limit, newest first, where there are as many. */
  list(filter: DeliveryFilter): Promise<Delivery[]> {
    return this.with_.database.read((manager) => pageOfDeliveries(manager, filter));
  }

  async get(id: number): Promise<Delivery> {
    const delivery = await this.with_.database.read((manager) => manager.findOneBy(Delivery, { id }));
    if (!delivery) throw new AppError("not_found", `There is no delivery ${id}.`);
    return delivery;
  }

  /**
   * Makes one that was not sent due at once, and has it tried for another day.
   *
   * @throws AppError `conflict` if it was sent
   */
  async retry(id: number, actor: Actor): Promise<Delivery> {
    const { clock, database, events, mailer } = this.with_;
    const delivery = await this.get(id);
    await database.write(async (transaction) => {
      const now = clock.now();
      const again = {
        status: "pending" as const,
        nextAttemptAt: now,
        giveUpAt: now + DELIVERY_PERIOD_MS,
        finishedAt: null,
        ...(mailer.hasServer ? {} : { lastError: NO_MAIL_SERVER }),
      };
      const condition = "id = ? AND status <> 'sent'";
      if ((await updateRows(transaction.manager, Delivery, again, condition, [id])) === 0) {
        const message = `Delivery ${id} was sent already; it is not sent twice.`;
        throw new AppError("conflict", message, { reason: "already_sent" });
      }
      await events.append(transaction, { kind: "delivery.retried", source: "api", actor, ...aboutDelivery(delivery) });
      transaction.afterCommit(() => mailer.wake());
    });
    return this.get(id);
  }
}
